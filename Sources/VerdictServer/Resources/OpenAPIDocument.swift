import Foundation
import NIOCore
import RowFormats
import Yams

/// The OpenAPI document in YAML and JSON.
package enum OpenAPIDocument {
  /// The document as written, in YAML.
  package static var yaml: String { String(buffer: Resource.openapiYAML) }

  /// The same document as JSON.
  ///
  /// - Throws: `YamlError` when the document is not valid YAML, which a test rules out.
  static func json() throws -> ByteBuffer {
    var writer = JSONWriter(capacity: 1 << 18)
    guard let root = try Yams.compose(yaml: yaml) else { return writer.buffer }
    write(root, to: &writer)
    return writer.buffer
  }

  /// Converts YAML nodes instead of decoded values, so that members keep their order, and strings that resemble dates or
  /// numbers stay strings.
  private static func write(_ node: Node, to json: inout JSONWriter) {
    switch node {
    case .mapping(let mapping):
      json.object { json in
        for (key, value) in mapping {
          json.name(key.string ?? "")
          write(value, to: &json)
        }
      }
    case .sequence(let sequence): json.array(sequence) { write($1, to: &$0) }
    case .scalar(let scalar): write(scalar, of: node, to: &json)
    case .alias: json.null()
    }
  }

  private static func write(_ scalar: Node.Scalar, of node: Node, to json: inout JSONWriter) {
    switch node.tag.rawValue {
    case Tag.Name.null.rawValue: json.null()
    case Tag.Name.bool.rawValue: json.bool(node.bool ?? false)
    case Tag.Name.int.rawValue:
      if let value = node.int { json.integer(value) } else { json.string(scalar.string) }
    case Tag.Name.float.rawValue:
      if let value = node.float { json.number(value) } else { json.string(scalar.string) }
    default: json.string(scalar.string)
    }
  }
}
