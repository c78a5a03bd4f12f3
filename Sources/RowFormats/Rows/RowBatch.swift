/// Many rows in flat row-major buffers, ready for binary COPY.
///
/// A row's numbers lie at `numbers[row * numberSlots ..< (row + 1) * numberSlots]`, its categories likewise in
/// `categories` with `categorySlots`.
public struct RowBatch: Sendable {
  /// How many rows there are.
  public let count: Int
  /// Numbers a row has.
  public let numberSlots: Int
  /// Categories a row has.
  public let categorySlots: Int
  /// Values of the continuous and discrete features; NaN means missing, no value read is ever NaN.
  public let numbers: [Double]
  /// Names of the categorical features' values.
  public let categories: FlatStrings
  /// The true outcomes, 0 or 1; empty for rows to predict.
  public let outcomes: [UInt8]
  /// The rows' own keys; `nil` if no row has one.
  public let keys: FlatStrings?

  /// The rows for a schema that has the same features and perhaps more, which they lack.
  public func widened(to schema: RowSchema) -> RowBatch {
    guard numberSlots < schema.numberSlots || categorySlots < schema.categorySlots else { return self }
    var numbers: [Double] = []
    var categories = FlatStrings()
    for row in 0..<count {
      numbers += self.numbers[row * numberSlots..<(row + 1) * numberSlots]
      numbers += Array(repeating: .nan, count: max(0, schema.numberSlots - numberSlots))
      for slot in 0..<max(categorySlots, schema.categorySlots) {
        categories.append(slot < categorySlots ? self.categories[row * categorySlots + slot] : nil)
      }
    }
    return RowBatch(
      count: count, numberSlots: max(numberSlots, schema.numberSlots),
      categorySlots: max(categorySlots, schema.categorySlots), numbers: numbers, categories: categories,
      outcomes: outcomes, keys: keys)
  }

  /// One row in the form that is stored: `nil` means missing.
  public func row(_ index: Int) -> (numbers: [Double?], categories: [String?]) {
    let numbers = self.numbers[index * numberSlots..<(index + 1) * numberSlots].map { $0.isNaN ? nil : $0 }
    let categories = (index * categorySlots..<(index + 1) * categorySlots).map { self.categories[$0] }
    return (numbers, categories)
  }
}
