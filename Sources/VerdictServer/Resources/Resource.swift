import CResources
import NIOCore

/// Files of the repository that the binary carries.
enum Resource {
  /// The contract, as written.
  static let openapiYAML = buffer(verdict_openapi())
  /// The page at /docs.
  static let docsPage = buffer(verdict_docs_page())

  private static func buffer(_ resource: verdict_resource) -> ByteBuffer {
    // The bytes are a constant array of the binary: valid for ever and never written.
    ByteBuffer(bytes: UnsafeBufferPointer(start: resource.bytes, count: resource.count))
  }
}
