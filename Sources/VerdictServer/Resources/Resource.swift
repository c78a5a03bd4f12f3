import CResources
import NIOCore

/// Files of the repository that are compiled into the binary.
enum Resource {
  /// openapi.yaml.
  static let openapiYAML = buffer(verdict_openapi())
  /// The page at /docs where there is no Swagger UI.
  static let docsPage = buffer(verdict_docs_page())
  /// Swagger UI by the names of its files, its page by the empty one; nothing where it was not compiled in.
  static let swaggerUI: [String: ByteBuffer] = {
    var files: [String: ByteBuffer] = [:]
    var index = 0
    while let name = verdict_swagger_ui(index).name {
      files[String(cString: name)] = buffer(verdict_swagger_ui(index))
      index += 1
    }
    return files
  }()

  private static func buffer(_ resource: verdict_resource) -> ByteBuffer {
    // The bytes are a constant array in the binary, so they stay valid and unchanged for the life of the process.
    ByteBuffer(bytes: UnsafeBufferPointer(start: resource.bytes, count: resource.count))
  }
}
