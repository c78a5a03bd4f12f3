/// The words by which rows say their outcome. Every format reads outcomes by ``RowSchema/outcome(of:)`` alone.
///
/// A closed pair admits its two words and nothing else, but for 0, 1, `true` and `false`, which are understood unless the pair
/// uses one of them. Without words, these are all that there is.
public struct OutcomeWords: Sendable, Hashable {
  /// The word of outcome 1.
  public var positive: String?
  /// The word of outcome 0. With `positive` alone, as datasets had before there were pairs, every other word is outcome 0.
  public var negative: String?

  /// Makes a pair; without arguments, outcomes are numbers and booleans.
  public init(positive: String? = nil, negative: String? = nil) {
    self.positive = positive
    self.negative = negative
  }

  /// Whether any word that is not the positive one is outcome 0.
  public var isOpen: Bool { positive != nil && negative == nil }

  /// A text that stands for an outcome.
  struct Entry {
    var text: String
    var outcome: UInt8
    /// Whether the owner chose it.
    var isWord: Bool
  }

  /// All texts that stand for an outcome. Of equal ones the first decides.
  var entries: [Entry] {
    let words = [(positive, UInt8(1)), (negative, 0)].compactMap { word, outcome in
      word.map { ($0.normalized, outcome) }
    }
    let spellings = words.map { (CategorySpelling.canonical($0), $1) }
    let taken = Set(spellings.map(\.0))
    // Words of an open outcome are any text, so that there only numbers are understood beside them.
    let pairs = isOpen ? [("1", "0")] : [("1", "0"), ("true", "false")]
    let builtIn = pairs.filter { !taken.contains($0) && !taken.contains($1) }.flatMap {
      [($0, UInt8(1)), ($1, UInt8(0))]
    }
    return (words + spellings).map { Entry(text: $0, outcome: $1, isWord: true) }
      + builtIn.map { Entry(text: $0, outcome: $1, isWord: false) }
  }

  /// The text that reads back as an outcome in every format.
  func text(of outcome: UInt8) -> String {
    if outcome == 1 { return positive ?? "1" }
    if let negative { return negative }
    // With an open outcome, any text but the positive one reads as 0.
    return positive.map { CategorySpelling.canonical($0) } == "0" ? "1" : "0"
  }

  /// Why a value is no outcome, in words for the author of the input.
  ///
  /// - Parameter found: the value as it was given; empty for none.
  public func refusal(of found: String) -> String {
    guard !found.isEmpty else { return "the label is missing" }
    let allowed =
      switch (positive, negative) {
      case (let positive?, let negative?): "\(quote(positive)) or \(quote(negative))"
      case (.some, nil): "0, 1 or a name of 1 to 1000 bytes"
      case (nil, _): "0, 1, true or false"
      }
    return "a label is \(allowed), not \(shorten(found))"
  }
}
