import RowFormats

/// Assigns slots to declared features, and checks that an extension keeps the present ones.
enum FeatureSlots {
  /// The features of `declarations` with slots in the order of declaration.
  static func assign(_ declarations: [FeatureDeclaration], after present: [Feature] = []) -> [Feature] {
    var numbers = present.count { $0.type != .categorical }
    var categories = present.count { $0.type == .categorical }
    return present
      + declarations.map { declaration in
        let slot: Int
        if declaration.type == .categorical {
          slot = categories
          categories += 1
        } else {
          slot = numbers
          numbers += 1
        }
        return Feature(
          name: declaration.name, type: declaration.type, categories: declaration.categories, slot: slot)
      }
  }

  /// The features of a dataset with `present` ones after it is given the list `declarations`.
  ///
  /// A closed list of categories may grow, since every stored row stays valid. Names and types must stay, since stored rows
  /// and models refer to them.
  ///
  /// - Throws: ``DomainError/invalid(problems:)`` with a pointer to the first feature that differs.
  static func extend(_ present: [Feature], to declarations: [FeatureDeclaration]) throws -> [Feature] {
    guard declarations.count >= present.count else {
      throw refusal(
        "/features", "a feature cannot be taken away: list the \(present.count) present ones first")
    }
    var kept: [Feature] = []
    for (index, (old, new)) in zip(present, declarations).enumerated() {
      guard old.name == new.name else {
        throw refusal("/features/\(index)/name", "is \"\(old.name)\" in this dataset and cannot change")
      }
      guard old.type == new.type else {
        throw refusal("/features/\(index)/type", "is \(old.type.rawValue) in this dataset and cannot change")
      }
      if let closed = new.categories {
        guard let before = old.categories, Set(before).isSubset(of: closed) else {
          throw refusal(
            "/features/\(index)/categories", "an open list cannot be closed nor a closed one shrink")
        }
      }
      var feature = old
      feature.categories = new.categories
      kept.append(feature)
    }
    return assign(Array(declarations.dropFirst(present.count)), after: kept)
  }

  private static func refusal(_ pointer: String, _ detail: String) -> DomainError {
    .invalid(problems: [InputProblem(pointer: pointer, detail: detail)])
  }
}
