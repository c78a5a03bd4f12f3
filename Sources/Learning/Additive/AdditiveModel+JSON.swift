import Foundation

extension AdditiveModel {
  /// The model as JSON: everything needed to predict elsewhere, keys sorted, doubles exact. `init(json:)` reads it.
  public func exportJSON() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  /// Reads what `exportJSON` wrote; throws `DecodingError` otherwise.
  public init(json: String) throws {
    self = try JSONDecoder().decode(AdditiveModel.self, from: Data(json.utf8))
  }
}
