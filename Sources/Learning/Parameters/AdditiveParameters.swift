/// The training parameters of additive models. JSON keys are members of the training parameters: `max_pairs`, `monotone`, `edges`,
/// `pairs`, `quantile_bins`, `merged_bins`, `smoothness`, `bags`; every one has a default.
public struct AdditiveParameters: Sendable, Hashable {
  /// The direction of a monotone shape function.
  public enum Direction: String, Sendable, Codable, Hashable, CaseIterable {
    /// A larger value never lowers the log-odds.
    case increasing
    /// A larger value never raises the log-odds.
    case decreasing
  }

  /// The most pairs that the training may add; 0 for none.
  public var maxPairs: Int = 10
  /// The numeric features whose shape functions are monotone. They are in no pair.
  public var monotone: [String: Direction] = [:]
  /// The edges of the bins of numeric features, ascending; the bins of other features follow from the rows.
  public var edges: [String: [Double]] = [:]
  /// The pairs of features; nil if they are chosen by a score test.
  public var pairs: [[String]]?
  /// The number of bins of equal weight of a number.
  public var quantileBins: Int = 24
  /// The largest number of bins of a number that are merged by their outcomes.
  public var mergedBins: Int = 24
  /// The smoothness λ of all terms; nil if each term has one of its own, chosen by the data.
  public var smoothness: Double?
  /// The number of fits to parts of the rows whose mean is the model; 1 for one fit to all rows; nil if it follows from the number of
  /// rows.
  public var bags: Int?

  /// The bounds of ``maxPairs``.
  public static let maxPairsRange = 0...50
  /// The bounds of ``quantileBins`` and ``mergedBins``.
  public static let binsRange = 0...128
  /// The most edges of one feature.
  public static let largestEdges = 255
  /// The bounds of ``bags``.
  public static let bagsRange = 1...64
  /// The bounds of ``smoothness``.
  public static let smoothnessRange = 1e-6...1e9

  /// The defaults.
  public init() {}

  /// Throws `LearningError.invalidParameter` for the first member that is out of its range.
  func validate() throws(LearningError) {
    guard Self.maxPairsRange.contains(maxPairs) else {
      throw .invalidParameter(
        pointer: "/max_pairs",
        detail: "max_pairs must be a whole number from 0 to \(Self.maxPairsRange.upperBound).")
    }
    for (pointer, bins) in [("quantile_bins", quantileBins), ("merged_bins", mergedBins)] {
      guard Self.binsRange.contains(bins) else {
        throw .invalidParameter(
          pointer: "/" + pointer,
          detail: "\(pointer) must be a whole number from 0 to \(Self.binsRange.upperBound).")
      }
    }
    if let smoothness, !Self.smoothnessRange.contains(smoothness) {
      throw .invalidParameter(pointer: "/smoothness", detail: "smoothness must be a number from 1e-6 to 1e9.")
    }
    if let bags, !Self.bagsRange.contains(bags) {
      throw .invalidParameter(pointer: "/bags", detail: "bags must be a whole number from 1 to 64.")
    }
    for (name, edges) in edges.sorted(by: { $0.key < $1.key }) {
      let isAscending = zip(edges, edges.dropFirst()).allSatisfy { $0 < $1 }
      guard edges.count <= Self.largestEdges, isAscending,
        edges.allSatisfy({ abs($0) <= FeatureValue.largestMagnitude })
      else {
        throw .invalidParameter(
          pointer: "/edges/\(name.jsonPointerToken)",
          detail:
            "The edges of a feature must be at most \(Self.largestEdges) ascending numbers within ±1e150.")
      }
    }
    var seen: Set<Set<String>> = []
    for (index, pair) in (pairs ?? []).enumerated() {
      guard pair.count == 2, pair[0] != pair[1] else {
        throw .invalidParameter(
          pointer: "/pairs/\(index)", detail: "A pair must be the names of two features.")
      }
      guard seen.insert(Set(pair)).inserted else {
        throw .invalidParameter(pointer: "/pairs/\(index)", detail: "The pair is listed twice.")
      }
      if let name = pair.first(where: { monotone[$0] != nil }) {
        throw .invalidParameter(
          pointer: "/pairs/\(index)", detail: "The feature '\(name)' is monotone and cannot be in a pair.")
      }
    }
    guard (pairs ?? []).count <= Self.maxPairsRange.upperBound else {
      throw .invalidParameter(
        pointer: "/pairs", detail: "pairs must have at most \(Self.maxPairsRange.upperBound) elements.")
    }
  }
}

extension AdditiveParameters {
  init(from values: KeyedDecodingContainer<TrainingParameters.CodingKeys>) throws {
    maxPairs = try values.decodeIfPresent(Int.self, forKey: .maxPairs) ?? maxPairs
    monotone = try values.decodeIfPresent([String: Direction].self, forKey: .monotone) ?? [:]
    edges = try values.decodeIfPresent([String: [Double]].self, forKey: .edges) ?? [:]
    pairs = try values.decodeIfPresent([[String]].self, forKey: .pairs)
    quantileBins = try values.decodeIfPresent(Int.self, forKey: .quantileBins) ?? quantileBins
    mergedBins = try values.decodeIfPresent(Int.self, forKey: .mergedBins) ?? mergedBins
    smoothness = try values.decodeIfPresent(Double.self, forKey: .smoothness)
    bags = try values.decodeIfPresent(Int.self, forKey: .bags)
  }

  func encode(into values: inout KeyedEncodingContainer<TrainingParameters.CodingKeys>) throws {
    try values.encode(maxPairs, forKey: .maxPairs)
    try values.encode(monotone, forKey: .monotone)
    try values.encode(edges, forKey: .edges)
    try values.encode(pairs, forKey: .pairs)
    try values.encode(quantileBins, forKey: .quantileBins)
    try values.encode(mergedBins, forKey: .mergedBins)
    try values.encode(smoothness, forKey: .smoothness)
    try values.encode(bags, forKey: .bags)
  }
}

extension String {
  /// The text as a token of a JSON Pointer (RFC 6901, section 3).
  fileprivate var jsonPointerToken: String {
    unicodeScalars.reduce(into: "") { result, scalar in
      switch scalar {
      case "~": result += "~0"
      case "/": result += "~1"
      default: result.unicodeScalars.append(scalar)
      }
    }
  }
}
