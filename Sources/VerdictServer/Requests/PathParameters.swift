import Foundation
import Hummingbird
import VerdictCore

extension Context {
  /// The name of the dataset in the path.
  ///
  /// - Throws: ``DomainError/notFound(what:)`` for a text that is not a valid name.
  func dataset() throws -> String {
    let name = try parameter("dataset")
    guard TextRule.slug.admits(name) else { throw DomainError.notFound(what: "dataset of that name") }
    return name
  }

  /// A positive number in the path.
  ///
  /// - Throws: ``DomainError/notFound(what:)`` for a text that is not such a number.
  func number(_ name: String, of what: String, atMost maximum: Int = .max) throws -> Int {
    let text = try parameter(name)
    guard let number = QueryParameters.integer(text), (1...maximum).contains(number) else {
      throw DomainError.notFound(what: "\(what) of that number")
    }
    return number
  }

  /// The version of a model in the path.
  ///
  /// - Throws: ``DomainError/notFound(what:)`` for a text that is not a version.
  func modelVersion() throws -> Int {
    try number("version", of: "model", atMost: Int(Int32.max))
  }

  /// A UUID in the path.
  ///
  /// - Throws: ``DomainError/notFound(what:)`` for a text that is not a UUID.
  func identifier(_ name: String, of what: String) throws -> UUID {
    guard let id = UUID(uuidString: try parameter(name)) else {
      throw DomainError.notFound(what: "\(what) of that id")
    }
    return id
  }

  private func parameter(_ name: String) throws -> String {
    guard let value = parameters.get(name) else { throw DomainError.notFound(what: "such path") }
    return value
  }
}
