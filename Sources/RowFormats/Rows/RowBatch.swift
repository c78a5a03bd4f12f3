/// Many rows in flat row-major buffers.
///
/// The numbers of a row are `numbers[row * numberSlots ..< (row + 1) * numberSlots]`; `categories` is laid out in the same
/// way with `categorySlots`.
public struct RowBatch: Sendable {
  /// The number of rows.
  public let count: Int
  /// The number of continuous and discrete values per row.
  public let numberSlots: Int
  /// The number of categorical values per row.
  public let categorySlots: Int
  /// The values of the continuous and discrete features. NaN means missing; the readers accept no NaN as a value.
  public let numbers: [Double]
  /// The values of the categorical features.
  public let categories: StringColumn
  /// The true outcomes, 0 or 1; empty for rows to predict.
  public let outcomes: [UInt8]
  /// The clients' keys of the rows; `nil` if no row has one.
  public let keys: StringColumn?
  /// The attributes of the rows that are no features.
  public let attributes: CaseAttributes

  /// The memory that the rows take, in bytes.
  public var byteCount: Int {
    numbers.count * 8 + categories.byteCount + outcomes.count + (keys?.byteCount ?? 0)
      + attributes.byteCount
  }

  /// The same rows for a schema that has further features, whose values are missing.
  public func widened(to schema: RowSchema) -> RowBatch {
    guard numberSlots < schema.numberSlots || categorySlots < schema.categorySlots else { return self }
    var numbers: [Double] = []
    var categories = StringColumn()
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
      outcomes: outcomes, keys: keys, attributes: attributes)
  }

  /// The values of one row by slot; `nil` means missing.
  public func row(_ index: Int) -> (numbers: [Double?], categories: [String?]) {
    let numbers = self.numbers[index * numberSlots..<(index + 1) * numberSlots].map { $0.isNaN ? nil : $0 }
    let categories = (index * categorySlots..<(index + 1) * categorySlots).map { self.categories[$0] }
    return (numbers, categories)
  }
}
