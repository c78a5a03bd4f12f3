extension AdditivePredictor {
  /// The size of the tables, the terms, the names and the dictionaries of categories.
  public var byteCount: Int {
    let fixed =
      tables.count * MemoryLayout<Double>.stride + indices.count * MemoryLayout<Int32>.stride
      + pairs.count * MemoryLayout<Pair>.stride
      + terms.count * (MemoryLayout<Term>.stride + MemoryLayout<String>.stride + 8)
    return zip(names, levels).reduce(fixed) { sum, feature in
      sum + feature.0.heapByteCount + feature.1.tableByteCount
    }
  }
}
