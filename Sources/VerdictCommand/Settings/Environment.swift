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

  /// A whole number; a text that is none counts as absent.
  static func number(_ name: String, default number: Int) -> Int {
    reader.int(forKey: ConfigKey(stringLiteral: name), default: number)
  }
}
