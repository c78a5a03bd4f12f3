import CResources
import NIOCore

/// Files of the repository that are compiled into the binary.
enum Resource {
  /// openapi.yaml.
  static let openapiYAML = buffer(verdict_openapi())
  /// The page at /docs, and the files that it loads by their names.
  static let docsPage = buffer(verdict_docs_file(0))
  /// Those of Swagger UI are absent if it was not fetched before the build.
  static let docsFiles: [String: ByteBuffer] = {
    var files: [String: ByteBuffer] = [:]
    var index = 1
    while let name = verdict_docs_file(index).name {
      files[String(cString: name)] = buffer(verdict_docs_file(index))
      index += 1
    }
    return files
  }()

  private static func buffer(_ resource: verdict_resource) -> ByteBuffer {
    // The bytes are a constant array in the binary, so they stay valid and unchanged for the life of the process.
    ByteBuffer(bytes: UnsafeBufferPointer(start: resource.bytes, count: resource.count))
  }
}
