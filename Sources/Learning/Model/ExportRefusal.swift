/// The reason why a model cannot be exported in a format.
public enum ExportRefusal: Error, Sendable, Hashable {
  /// A feature's name, or the name of one of its categories, has a character that the format cannot contain.
  case character(Unicode.Scalar, feature: String, category: String?)
  /// The names of two columns begin with the same 63 bytes, which PostgreSQL takes for one name.
  case sameColumn(String, String)

  /// A sentence for the client of the API.
  public var detail: String {
    switch self {
    case .character(let scalar, let feature, let category):
      let digits = String(scalar.value, radix: 16, uppercase: true)
      let code = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
      let place =
        category.map { "The category '\($0)' of the feature '\(feature)'" } ?? "The feature '\(feature)'"
      return
        "\(place) has the character \(code), which PMML cannot contain, because XML 1.0 cannot. JSON and SQL can."
    case .sameColumn(let one, let other):
      return """
        The columns '\(one)' and '\(other)' begin with the same 63 bytes, and PostgreSQL ignores the rest of a name. \
        JSON and PMML tell them apart.
        """
    }
  }
}
