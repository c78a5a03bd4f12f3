/// A batch of rows to predict on, row by row in flat buffers.
public struct PredictorRows: Sendable {
  /// How many rows there are.
  public var count: Int
  /// The numbers, `numberStride` a row; NaN = missing.
  public var numbers: [Double]
  /// Numbers a row has.
  public var numberStride: Int
  /// The UTF-8 of all names, end to end.
  public var text: [UInt8]
  /// Where each name ends in `text`, `nameStride` a row; with the top bit set = missing.
  public var nameEnds: [UInt32]
  /// Names a row has.
  public var nameStride: Int

  /// Makes rows; see the properties.
  public init(
    count: Int, numbers: [Double], numberStride: Int, text: [UInt8], nameEnds: [UInt32], nameStride: Int
  ) {
    self.count = count
    self.numbers = numbers
    self.numberStride = numberStride
    self.text = text
    self.nameEnds = nameEnds
    self.nameStride = nameStride
  }

  static let missing: UInt32 = 0x8000_0000

  /// A name; nil if it is missing.
  func name(_ index: Int) -> String? {
    let end = nameEnds[index]
    guard end & Self.missing == 0 else { return nil }
    let start = index == 0 ? 0 : nameEnds[index - 1] & ~Self.missing
    return String(decoding: text[Int(start)..<Int(end)], as: UTF8.self)
  }
}

/// The answers to many rows.
public struct RowPredictions: Sendable {
  /// Of outcome 1, one a row.
  public var probabilities: [Double]
  /// By row; most rows have none.
  public var warnings: [Int: [PredictionWarning]]
  /// The rows before this one have all their warnings here. Those of later rows were left out, because they were too many:
  /// ``Predictor/predict(_:)`` gives them row by row.
  public var warnedRows = Int.max

  /// The number of warnings after which those of further rows are left out.
  public static let mostWarnings = 4_096
}

/// A value in a batch that is too large to compute with.
public struct RowRefusal: Error, Sendable {
  /// The row.
  public var row: Int
  /// The feature.
  public var feature: String
}
