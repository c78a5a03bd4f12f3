extension AdditivePredictor {
  /// The tables of a predictor as buffers, valid during a call of ``AdditivePredictor/withLookup(_:)``. Places and slots come from the
  /// predictor alone, so that they are within the buffers.
  struct Lookup {
    let intercept: Double
    let tables: UnsafeBufferPointer<Double>
    let indices: UnsafeBufferPointer<Int32>
    let terms: UnsafeBufferPointer<Term>
    let pairs: UnsafeBufferPointer<Pair>

    /// The number of edges that are not above a value.
    ///
    /// A step takes the sign of a difference instead of a comparison, of which the compiler makes a branch: a processor cannot foresee
    /// where a value lies. The difference of two unequal doubles is never 0 (IEEE 754, gradual underflow), and that of equal ones is +0
    /// once the value is not −0.
    @inline(__always)
    func slot(of value: Double, _ term: Term) -> Int {
      let value = value + 0
      var (position, length) = (term.edges, term.edgeCount)
      while length > 0 {
        let half = (length &+ 1) &>> 1
        let isBelow = (value - tables[position &+ half &- 1]).bitPattern &>> 63
        position &+= half & (Int(bitPattern: UInt(isBelow)) &- 1)
        length &-= half
      }
      return position &- term.edges
    }

    /// The log-odds that a pair adds.
    @inline(__always)
    func value(of pair: Pair, _ first: Int, _ second: Int) -> Double {
      let row = Int(indices[pair.firstIndex &+ first])
      return tables[pair.cells &+ row &+ Int(indices[pair.secondIndex &+ second])]
    }

    /// The log-odds of a row: the intercept, the features and the pairs, added up in this order.
    @inline(__always)
    func logit(_ slots: UnsafeBufferPointer<Int>) -> Double {
      var sum = intercept
      for index in terms.indices { sum += tables[terms[index].values &+ slots[index]] }
      for pair in pairs { sum += value(of: pair, slots[pair.first], slots[pair.second]) }
      return sum
    }
  }
}
