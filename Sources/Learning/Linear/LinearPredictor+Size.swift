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
    // A hash table has a power of two of places, of which it uses three quarters, and a bit for each.
    var places = 4
    while places * 3 / 4 < levels.count { places *= 2 }
    let place = MemoryLayout<String>.stride + MemoryLayout<Double>.stride
    return levels.keys.reduce(places * place + places / 8) { $0 + $1.heapByteCount }
  }
}

extension String {
  /// The bytes that the string has on the heap: none up to fifteen, otherwise its UTF-8 behind a head of 32.
  fileprivate var heapByteCount: Int { utf8.count <= 15 ? 0 : 48 + utf8.count }
}
