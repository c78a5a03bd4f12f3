import ArgumentParser
import Configuration

/// Reads settings from environment variables.
enum Environment {
  private static let reader = ConfigReader(provider: EnvironmentVariablesProvider())

  /// A string; an empty variable counts as absent.
  ///
  /// - Parameter name: the configuration key, such as `verdict.data.dir` for `VERDICT_DATA_DIR`.
  static func text(_ name: String, isSecret: Bool = false) -> String? {
    let text = reader.string(forKey: ConfigKey(stringLiteral: name), isSecret: isSecret)
    return text?.isEmpty == true ? nil : text
  }

  /// A Boolean; an empty variable counts as false.
  ///
  /// - Throws: `ValidationError` for a value other than `true`, `1`, `false` and `0`.
  static func flag(_ name: String) throws -> Bool {
    switch text(name) {
    case nil, "false", "0": return false
    case "true", "1": return true
    case let other?:
      throw ValidationError(
        "\(name.replacing(".", with: "_").uppercased()) must be true or false, not \"\(other)\".")
    }
  }

  /// An integer; an empty variable counts as absent.
  ///
  /// - Throws: `ValidationError` for a value that is not an integer.
  static func number(_ name: String, default number: Int) throws -> Int {
    guard let text = text(name) else { return number }
    guard let value = Int(text) else {
      throw ValidationError(
        "\(name.replacing(".", with: "_").uppercased()) must be a whole number, not \"\(text)\".")
    }
    return value
  }
}
