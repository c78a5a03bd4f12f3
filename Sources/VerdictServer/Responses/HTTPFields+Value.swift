import HTTPTypes

extension HTTPFields {
  /// The value of a field, several of one name joined by commas, as the subscript gives it; that joins even a single one,
  /// which costs a request that asks for six of them more than its key does.
  func value(_ name: HTTPField.Name) -> String? {
    var found: String?
    for field in self where field.name == name {
      if found != nil { return self[name] }
      found = field.value
    }
    return found
  }
}
