/// JSON Pointers (RFC 6901) as text.
public enum JSONPointer {
  /// The pointer to a member of the object at `pointer`, with `~` and `/` in the name escaped (section 3).
  public static func appending(_ name: String, to pointer: String) -> String {
    var escaped = ""
    for scalar in name.unicodeScalars {
      switch scalar {
      case "~": escaped += "~0"
      case "/": escaped += "~1"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return pointer + "/" + escaped
  }
}
