@testable import Learning

/// Additive models with random shapes of every kind, and rows for them.
extension Generated {
  static let hostileCategories = [
    "red", "it's \"green\" & <blue>", "back\\slash", "'\u{301}", "\"\u{301}", " ", "  ", "   x", "x   ", "\t",
    "\n", "\r", "\r\n", "a\tb",
    "]]>", "&amp;", "<!--", "NULL", "NaN", "true", "0", "3", "-12", "é", "\u{3A9}", "\u{1F600}", "\u{A0}",
    "\u{2028}", "\u{85}", "$$", "%s",
  ]
  /// Other spellings of known categories, and unknown ones.
  static let hostileSpellings = [
    "e\u{301}", "True", "TRUE", "0.0", "-0.0", "3.0", "-12.0", "never seen", "", "e", "    ", "3.00", "False",
    "nAn",
  ]

  private mutating func cell(_ scale: Double = 1) -> AdditiveCell {
    AdditiveCell(
      value: normal() * scale, standardError: 0.01 + uniform(), rows: Int(generator.next() % 50))
  }

  mutating func number(_ name: String, edges: [Double]?, missing: Bool) -> AdditiveFeature {
    let bins = (0...(edges?.count ?? 0)).map { _ in cell(0.5) }
    return AdditiveFeature(
      name: name, kind: .continuous, missingRows: missing ? 7 : 0, minimum: edges.map { $0[0] - 1 },
      maximum: edges.map { $0[$0.count - 1] + 1 }, edges: edges, categories: nil, bins: bins,
      missing: missing ? cell() : nil, smoothness: 2, degreesOfFreedom: 3.5, importance: 0.25)
  }

  mutating func categorical(_ name: String, _ categories: [String], missing: Bool) -> AdditiveFeature {
    AdditiveFeature(
      name: name, kind: .categorical, missingRows: missing ? 7 : 0, minimum: nil, maximum: nil, edges: nil,
      categories: categories, bins: categories.map { _ in cell(0.5) }, missing: missing ? cell() : nil,
      smoothness: 2, degreesOfFreedom: 3.5, importance: 0.25)
  }

  /// An axis over every `step`-th edge of a number, or with three groups of categories.
  mutating func axis(_ features: [AdditiveFeature], _ index: Int, step: Int) -> AdditivePair.Axis {
    let feature = features[index]
    var axis = AdditivePair.Axis(feature: index, edges: nil, groups: nil, missing: nil, count: 1)
    if let categories = feature.categories {
      axis.groups = categories.indices.map { $0 * 3 / categories.count }
      axis.count = min(3, categories.count)
    } else {
      axis.edges = (feature.edges ?? []).enumerated().filter { $0.offset % step == step - 1 }.map(\.element)
      axis.count = (axis.edges ?? []).count + 1
    }
    if feature.missing != nil {
      axis.missing = axis.count
      axis.count += 1
    }
    return axis
  }

  mutating func pair(
    _ features: [AdditiveFeature], _ first: Int, _ second: Int, step: Int = 2
  )
    -> AdditivePair
  {
    let (one, other) = (axis(features, first, step: step), axis(features, second, step: step))
    return AdditivePair(
      first: one, second: other, cells: (0..<one.count * other.count).map { _ in cell(0.3) }, smoothness: 4,
      degreesOfFreedom: 2.5, importance: 0.125)
  }

  mutating func edges(_ count: Int, scale: Double = 1, offset: Double = 0) -> [Double] {
    Set((0..<count).map { _ in offset + scale * normal() }).sorted()
  }

  func additive(_ features: [AdditiveFeature], _ pairs: [AdditivePair], intercept: Double = -0.25)
    -> AdditiveModel
  {
    AdditiveModel(
      features: features, pairs: pairs, intercept: intercept, interceptStandardError: 0.1,
      interceptShift: nil, threshold: 0.4375, converged: true, iterations: 7, trainingLoss: 0.5,
      positives: 40, negatives: 60, parameters: TrainingParameters(),
      selection: ModelSelection(family: "additive", criterion: nil, candidates: [], reason: "Given."))
  }

  /// A model with every kind of feature, and hostile names.
  mutating func hostileAdditive() -> AdditiveModel {
    let features = [
      number("probability", edges: edges(40), missing: true),
      number("label", edges: [-1, 0, 1, 2, 3, 5], missing: false),
      number("a \"b\"\u{301} <&> 'x'", edges: edges(12, scale: 3e5, offset: 1e6), missing: true),
      number("created_ms", edges: edges(30, scale: 1e8, offset: 1_732_000_000_000), missing: false),
      number("constant", edges: nil, missing: false), number("never a number", edges: nil, missing: true),
      number("tiny__effect", edges: edges(5, scale: 1e-6), missing: false),
      categorical("outcome", Self.hostileCategories, missing: false),
      categorical("side\"\u{301}'", ["yes", "no", "true", "True"], missing: true),
      categorical("never filled", [], missing: true),
    ]
    let pairs = [
      pair(features, 0, 1), pair(features, 2, 3, step: 3), pair(features, 0, 7), pair(features, 7, 8),
      pair(features, 8, 6), pair(features, 3, 5), pair(features, 1, 4),
    ]
    return additive(features, pairs)
  }

  /// A row of values of a model: on edges and between them, missing and unseen ones.
  mutating func row(of model: AdditiveModel) -> FeatureValues {
    FeatureValues(
      model.features.map { feature in
        let chance = uniform()
        if chance < 0.1 { return .missing }
        if let categories = feature.categories {
          let known = categories + Self.hostileSpellings
          return .category(known[generator.below(known.count)])
        }
        guard let edges = feature.edges, let first = edges.first, let last = edges.last else {
          return .number(normal())
        }
        switch chance {
        case 0.1..<0.3: return .number(edges[generator.below(edges.count)])
        case 0.3..<0.35: return .number(chance < 0.33 ? 1e150 : -1e150)
        case 0.35..<0.4: return .number(edges[generator.below(edges.count)].nextDown)
        default: return .number(first - 1 + (last - first + 2) * uniform())
        }
      })
  }
}
