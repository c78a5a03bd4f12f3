package import Learning
package import RowFormats

extension AdditiveParameters {
  /// The rules for the members of a client's JSON, which are members of the training parameters.
  static let members: [JSONMember<TrainingParameters>] = [
    JSONMember(TrainingParameters.CodingKeys.maxPairs, \.additive.maxPairs, .integer(in: maxPairsRange)),
    JSONMember(TrainingParameters.CodingKeys.monotone, \.additive.monotone, .byFeature(.choice())),
    JSONMember(
      TrainingParameters.CodingKeys.edges, \.additive.edges,
      .byFeature(.list(of: .number, count: 0...largestEdges))),
    JSONMember(
      TrainingParameters.CodingKeys.pairs, \.additive.pairs,
      .list(of: .list(of: .featureName, count: 2...2), count: 0...maxPairsRange.upperBound)),
    JSONMember(TrainingParameters.CodingKeys.quantileBins, \.additive.quantileBins, .integer(in: binsRange)),
    JSONMember(TrainingParameters.CodingKeys.mergedBins, \.additive.mergedBins, .integer(in: binsRange)),
    JSONMember(TrainingParameters.CodingKeys.smoothness, \.additive.smoothness, .number),
    JSONMember(TrainingParameters.CodingKeys.bags, \.additive.bags, .integer(in: bagsRange)),
  ]

  /// The most bytes of the names and edges. Every job and every model of the dataset keeps them.
  static let largestText = 64 << 10

  /// The problem of names and edges that are larger than ``largestText``; `nil` if they are not. The largest member is to blame.
  var sizeProblem: InputProblem? {
    func size(_ names: some Sequence<String>) -> Int { names.reduce(0) { $0 + $1.utf8.count + 16 } }
    let sizes = [
      (TrainingParameters.CodingKeys.monotone, size(monotone.keys)),
      // The text of a number has up to 24 bytes.
      (.edges, size(edges.keys) + edges.values.reduce(0) { $0 + 24 * $1.count }),
      (.pairs, (pairs ?? []).reduce(0) { $0 + size($1) }),
    ]
    guard sizes.reduce(0, { $0 + $1.1 }) > Self.largestText,
      let largest = sizes.max(by: { $0.1 < $1.1 })?.0
    else { return nil }
    return InputProblem(
      pointer: "/" + largest.rawValue,
      detail: "monotone, edges and pairs must not take more than \(Self.largestText >> 10) KiB together")
  }

  /// The problems of names that are not features, or not numeric ones where numbers are needed.
  ///
  /// - Parameters:
  ///   - types: the features of the dataset with their types.
  ///   - pointer: the JSON Pointer of the training parameters.
  package func problems(with types: [String: FeatureType], at pointer: String) -> [InputProblem] {
    var problems: [InputProblem] = []
    func check(_ name: String, at place: String, isNumeric: Bool) {
      guard let type = types[name] else {
        return problems.append(InputProblem(pointer: place, detail: "is not a feature of the dataset"))
      }
      if isNumeric, type == .categorical {
        problems.append(InputProblem(pointer: place, detail: "is for continuous and discrete features"))
      }
    }
    func at(_ key: TrainingParameters.CodingKeys) -> String { JSONObjectReader.child(pointer, key.rawValue) }
    for (key, names) in [
      (TrainingParameters.CodingKeys.monotone, monotone.keys.sorted()), (.edges, edges.keys.sorted()),
    ] {
      for name in names { check(name, at: JSONObjectReader.child(at(key), name), isNumeric: true) }
    }
    for (index, pair) in (pairs ?? []).enumerated() {
      for (side, name) in pair.enumerated() {
        check(name, at: "\(at(.pairs))/\(index)/\(side)", isNumeric: false)
      }
    }
    return problems
  }
}

extension JSONParser where Value == String {
  /// The name of a feature in the form in which a dataset stores it.
  fileprivate static let featureName = string(.name(atMost: 128)).map { $0.normalized }
}

extension JSONParser {
  /// An array of so many elements.
  fileprivate static func list<Element>(
    of element: JSONParser<Element>, count: ClosedRange<Int>
  ) -> JSONParser where Value == [Element] {
    JSONParser { value, _, pointer, errors in
      JSONParser<[JSONValue]>.array(count: count).parse(value, at: pointer, errors)?.enumerated()
        .compactMap { index, value in element.parse(value, at: "\(pointer)/\(index)", errors) }
    }
  }

  /// An object whose members are named like features. It is merged into the present one, and `null` takes a member away (RFC 7396).
  fileprivate static func byFeature<Element>(_ element: JSONParser<Element>) -> JSONParser
  where Value == [String: Element] {
    JSONParser { value, current, pointer, errors in
      guard case .object(let object) = value else {
        errors.add(pointer, "must be an object")
        return nil
      }
      var result = current ?? [:]
      for member in object.members {
        let place = JSONObjectReader.child(pointer, member.name)
        guard
          let name = JSONParser<String>.featureName.parse(.string(member.name), at: place, errors)
        else { continue }
        if case .null = member.value {
          result[name] = nil
        } else if let value = element.parse(member.value, at: place, errors) {
          result[name] = value
        }
      }
      return result
    }
  }
}
