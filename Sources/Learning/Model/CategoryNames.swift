extension [String] {
  /// The categories of a feature under other names. A new name that another category has changes nothing, since two categories are not
  /// merged.
  func renamed(_ name: (String) -> String) -> [String] {
    // Bytes are compared: a name in another Unicode normalization form is another name outside of Swift.
    let places = indices.filter { !name(self[$0]).utf8.elementsEqual(self[$0].utf8) }
    guard !places.isEmpty else { return self }
    var names = self
    var taken = Set(self)
    for place in places {
      let (old, new) = (self[place], name(self[place]))
      taken.remove(old)
      if taken.insert(new).inserted {
        names[place] = new
      } else {
        taken.insert(old)
      }
    }
    return names
  }
}
