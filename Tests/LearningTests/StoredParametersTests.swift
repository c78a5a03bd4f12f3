import Foundation
import Learning
import Testing

/// Tests of the stored form of training parameters: an absent member keeps its old meaning, and versions without the families can read
/// the rest.
@Suite struct StoredParametersTests {
  /// The members that version 0.1.0 reads.
  private struct Old: Decodable {
    var penalty: String
    var C: Double
    var l1_ratio: Double?
    var seed: UInt64
    var tolerance: Double
    var max_iterations: Int
  }

  private func stored(_ parameters: TrainingParameters) throws -> Data {
    try JSONEncoder().encode(parameters)
  }

  @Test func `parameters from before there were families are linear`() throws {
    let old = #"{"penalty":"l2","C":0.5,"l1_ratio":null,"class_weight":null,"threshold":0.5,"seed":3}"#
    let read = try JSONDecoder().decode(TrainingParameters.self, from: Data(old.utf8))
    var expected = TrainingParameters()
    expected.family = .linear
    expected.c = 0.5
    expected.seed = 3
    #expect(read == expected && !read.choosesC)
  }

  @Test func `every member is read back`() throws {
    var parameters = TrainingParameters()
    parameters.family = .auto
    parameters.additive.maxPairs = 0
    parameters.additive.monotone = ["a": .decreasing]
    parameters.additive.edges = ["b": [0.1, 1e150]]
    parameters.additive.pairs = [["c", "d"]]
    parameters.additive.quantileBins = 0
    parameters.additive.mergedBins = 7
    parameters.additive.smoothness = 1e-6
    parameters.additive.bags = 1
    parameters.choosesC = true
    let read = try JSONDecoder().decode(TrainingParameters.self, from: stored(parameters))
    #expect(read == parameters)
    parameters.additive = AdditiveParameters()
    parameters.choosesC = false
    #expect(try JSONDecoder().decode(TrainingParameters.self, from: stored(parameters)) == parameters)
  }

  @Test func `a version without families reads the rest`() throws {
    var parameters = TrainingParameters()
    parameters.family = .additive
    parameters.additive.edges = ["a": [1]]
    parameters.choosesC = true
    parameters.seed = 9
    let old = try JSONDecoder().decode(Old.self, from: stored(parameters))
    #expect(old.penalty == "l2" && old.C == 1 && old.seed == 9 && old.max_iterations == 100)
  }

  @Test func `the API shows auto and leaves the members of other families out`() throws {
    var parameters = TrainingParameters()
    parameters.choosesC = true
    func shown() throws -> [String: Any] {
      let data = try JSONEncoder().encode(parameters.shown)
      return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }
    let linear = try shown()
    #expect(
      linear["C"] as? String == "auto" && linear["C_auto"] == nil && linear["family"] as? String == "linear")
    let additive = [
      "max_pairs", "monotone", "edges", "pairs", "quantile_bins", "merged_bins", "smoothness", "bags",
    ]
    #expect(additive.allSatisfy { linear[$0] == nil })
    parameters.family = .auto
    parameters.choosesC = false
    let auto = try shown()
    #expect(auto["C"] as? Double == 1 && additive.allSatisfy { auto[$0] != nil })
  }
}
