import Learning
import RowFormats
import Testing

@testable import VerdictCore

/// Tests of the conversion of a client's JSON to the family and to the parameters of additive models.
@Suite struct AdditiveParametersJSONTests {
  private func parse(
    _ json: String, over current: TrainingParameters? = nil
  ) throws -> (TrainingParameters?, [String: String]) {
    let errors = ValidationErrors()
    let value = try JSONValue.parse(Array(json.utf8))
    let result = JSONParser.trainingParameters.parse(value, over: current, errors)
    return (result, Dictionary(errors.problems.map { ($0.pointer ?? "", $0.detail) }) { "\($0), \($1)" })
  }

  private static let whole = #"""
    {"family":"additive","max_pairs":3,"monotone":{"a":"increasing","b":"decreasing"},"edges":{"a":[1,2.5],"c":[]},
     "pairs":[["c","d"]],"quantile_bins":8,"merged_bins":0,"smoothness":2.5,"bags":4,"C":"auto"}
    """#

  @Test func `every member is parsed, and null restores its default`() throws {
    let (parsed, problems) = try parse(Self.whole)
    #expect(problems == [:])
    var expected = TrainingParameters()
    expected.family = .additive
    expected.additive.maxPairs = 3
    expected.additive.monotone = ["a": .increasing, "b": .decreasing]
    expected.additive.edges = ["a": [1, 2.5], "c": []]
    expected.additive.pairs = [["c", "d"]]
    expected.additive.quantileBins = 8
    expected.additive.mergedBins = 0
    expected.additive.smoothness = 2.5
    expected.additive.bags = 4
    expected.choosesC = true
    #expect(parsed == expected)
    #expect(try parse("{}", over: expected).0 == expected)
    let nulls = [
      "max_pairs", "monotone", "edges", "pairs", "quantile_bins", "merged_bins", "smoothness", "bags", "C",
    ].map { "\"\($0)\":null" }.joined(separator: ",")
    var plain = TrainingParameters()
    plain.family = .additive
    #expect(try parse("{\(nulls)}", over: expected).0 == plain)
  }

  @Test func `features are merged, and null takes one away`() throws {
    let current = try #require(try parse(Self.whole).0)
    let (patched, problems) = try parse(
      #"{"monotone":{"a":null,"e":"increasing"},"edges":{"c":[7]}}"#, over: current)
    #expect(problems == [:])
    #expect(patched?.additive.monotone == ["b": .decreasing, "e": .increasing])
    #expect(patched?.additive.edges == ["a": [1, 2.5], "c": [7]])
  }

  @Test func `names are compared in normal form`() throws {
    let (parsed, problems) = try parse(
      #"{"family":"auto","monotone":{"cafe\u0301":"increasing"},"edges":{"cafe\u0301":[1]},"pairs":[["e\u0301","x"]]}"#
    )
    #expect(problems == [:])
    let name = try #require(parsed?.additive.monotone.keys.first)
    #expect(Array(name.utf8) == Array("caf\u{E9}".utf8))
    #expect(parsed?.additive.edges.keys.first.map { Array($0.utf8) } == Array("caf\u{E9}".utf8))
    #expect(parsed?.additive.pairs?[0][0].utf8.count == 2)
  }

  @Test func `a change of family or penalty drops what belongs to the old one`() throws {
    let current = try #require(try parse(Self.whole).0)
    var linear = TrainingParameters()
    linear.choosesC = true
    #expect(try parse(#"{"family":"linear"}"#, over: current).0 == linear)
    #expect(try parse(#"{"family":"linear","max_pairs":null}"#, over: current).0 == linear)
    #expect(try parse(#"{"penalty":"l1"}"#, over: linear).0?.choosesC == false)
    #expect(try parse(#"{"penalty":"l1","C":"auto"}"#, over: linear).1.keys.sorted() == ["/C"])
    #expect(try parse(#"{"family":"auto"}"#, over: current).0?.additive == current.additive)
  }

  @Test(
    arguments: [
      (#"{"family":"tree"}"#, ["/family"]),
      (#"{"family":"linear","max_pairs":1,"pairs":[]}"#, ["/max_pairs", "/pairs"]),
      (#"{"family":"auto","max_pairs":51}"#, ["/max_pairs"]),
      (#"{"family":"auto","max_pairs":1.5}"#, ["/max_pairs"]),
      (#"{"family":"auto","monotone":["a"]}"#, ["/monotone"]),
      (#"{"family":"auto","monotone":{"a/b":"up"}}"#, ["/monotone/a~1b"]),
      (#"{"family":"auto","monotone":{"":"increasing"}}"#, ["/monotone/"]),
      (#"{"family":"auto","edges":{"a":[1,1]}}"#, ["/edges/a"]),
      (#"{"family":"auto","edges":{"a":1}}"#, ["/edges/a"]),
      (#"{"family":"auto","edges":{"a":[1,"2",null]}}"#, ["/edges/a/1", "/edges/a/2"]),
      (#"{"family":"auto","edges":{"a":[1e151]}}"#, ["/edges/a"]),
      (#"{"family":"auto","pairs":[["a"]]}"#, ["/pairs/0"]),
      (#"{"family":"auto","pairs":[["a","a"]]}"#, ["/pairs/0"]),
      (#"{"family":"auto","pairs":[["a","b"],["b","a"]]}"#, ["/pairs/1"]),
      (#"{"family":"auto","pairs":[["a",7]]}"#, ["/pairs/0/1"]),
      (#"{"family":"auto","pairs":[["a","b"]],"monotone":{"b":"increasing"}}"#, ["/pairs/0"]),
      (#"{"family":"auto","quantile_bins":129,"merged_bins":-1}"#, ["/merged_bins", "/quantile_bins"]),
      (#"{"family":"auto","smoothness":0}"#, ["/smoothness"]), (#"{"family":"auto","bags":0}"#, ["/bags"]),
      (#"{"C":"none"}"#, ["/C"]), (#"{"C":true}"#, ["/C"]),
    ] as [(String, [String])])
  func `every error is reported with its pointer`(json: String, pointers: [String]) throws {
    #expect(try parse(json).1.keys.sorted() == pointers)
  }

  @Test func `names and edges have a size`() throws {
    let edges = (0..<255).map(String.init).joined(separator: ",")
    func body(_ features: Int) -> String {
      let each = (0..<features).map { "\"f\($0)\":[\(edges)]" }.joined(separator: ",")
      return "{\"family\":\"auto\",\"edges\":{\(each)}}"
    }
    #expect(try parse(body(10)).1 == [:])
    #expect(
      try parse(body(11)).1 == ["/edges": "monotone, edges and pairs must not take more than 64 KiB together"]
    )
  }

  @Test func `names are those of features`() throws {
    let parameters = try #require(try parse(Self.whole).0)
    let known: [String: FeatureType] = [
      "a": .continuous, "b": .discrete, "c": .continuous, "d": .categorical,
    ]
    #expect(parameters.additive.problems(with: known, at: "/training").isEmpty)
    let problems = parameters.additive.problems(
      with: ["a": .categorical, "c": .categorical], at: "/training")
    #expect(
      problems.map(\.pointer) == [
        "/training/monotone/a", "/training/monotone/b", "/training/edges/a", "/training/edges/c",
        "/training/pairs/0/1",
      ])
    #expect(problems[0].detail == "is for continuous and discrete features")
    #expect(problems[1].detail == "is not a feature of the dataset")
  }
}
