import ArgumentParser
import Configuration

/// Settings from the environment, for what no flag says.
enum Environment {
  private static let reader = ConfigReader(provider: EnvironmentVariablesProvider())

  /// A text; an empty variable counts as absent.
  ///
  /// - Parameter name: in parts, `verdict.data.dir` for `VERDICT_DATA_DIR`.
  static func text(_ name: String, isSecret: Bool = false) -> String? {
    let text = reader.string(forKey: ConfigKey(stringLiteral: name), isSecret: isSecret)
    return text?.isEmpty == true ? nil : text
  }

  /// A yes or no; an empty variable counts as no.
  ///
  /// - Throws: `ValidationError` for another text than `true`, `1`, `false` and `0`.
  static func flag(_ name: String) throws -> Bool {
    switch text(name) {
    case nil, "false", "0": return false
    case "true", "1": return true
    case let other?:
      throw ValidationError(
        "\(name.replacing(".", with: "_").uppercased()) must be true or false, not \"\(other)\".")
    }
  }

  /// A whole number; an empty variable counts as absent.
  ///
  /// - Throws: `ValidationError` for a text that is none.
  static func number(_ name: String, default number: Int) throws -> Int {
    guard let text = text(name) else { return number }
    guard let value = Int(text) else {
      throw ValidationError(
        "\(name.replacing(".", with: "_").uppercased()) must be a whole number, not \"\(text)\".")
    }
    return value
  }
}
