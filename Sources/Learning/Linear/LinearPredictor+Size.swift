extension LinearPredictor {
  /// The size of the terms, the features and their names.
  public var byteCount: Int {
    let fixed = terms.count * (MemoryLayout<Term>.stride + MemoryLayout<ModelFeature>.stride + 8)
    return zip(terms, features).reduce(fixed) { $0 + $1.0.byteCount + $1.1.name.heapByteCount }
  }
}

extension LinearPredictor.Term {
  /// The bytes of a term's coefficients outside of the term itself.
  fileprivate var byteCount: Int {
    guard case .category(let levels, _) = self else { return 0 }
    return levels.tableByteCount
  }
}
