extension ModelFeature {
  /// The categories that add anything to the log-odds, each by every text that the server reads as it.
  var addingCategories: [(name: String, coefficient: Double)] {
    let categories = categories ?? []
    let known = Set(categories.map(\.name))
    return categories.filter { $0.coefficient.standardized != 0 }.flatMap { category in
      // A closed list may declare `True` beside `true`.
      ([category.name] + category.name.otherSpellings.filter { !known.contains($0) })
        .map { ($0, category.coefficient.standardized) }
    }
  }
}
