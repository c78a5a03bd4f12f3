import Foundation
import HTTPTypes
import Hummingbird

/// The reference for predictions: a Hummingbird route that decodes the same body and encodes the same JSON as a prediction,
/// without API keys, model, database or metrics.
@main
struct BareRoute {
  /// `PredictionBenchmarks PORT`
  static func main() async throws {
    guard CommandLine.arguments.count == 2, let port = Int(CommandLine.arguments[1]) else {
      print("usage: PredictionBenchmarks PORT; Benchmarks/PredictionBenchmarks/run measures")
      return
    }
    let router = Router()
    router.post("/v1/datasets/{dataset}/predictions") { request, context in
      let input = try await request.decode(as: Input.self, context: context)
      let name = try context.parameters.require("dataset")
      let isStored = request.uri.queryParameters["store"] != "false"
      let id = isStored ? UUID().uuidString.lowercased() : nil
      var headers = HTTPFields()
      if let id { headers[.location] = "/v1/datasets/\(name)/predictions/\(id)" }
      return EditedResponse(
        status: isStored ? .created : .ok, headers: headers,
        response: Output(
          id: id, label: 1, probability: 0.5 + (input.features.age ?? 0) / 1_000, threshold: 0.5,
          model_version: 1,
          labels_used: 5_000, warnings: []))
    }
    let application = Application(
      router: router,
      configuration: .init(address: .hostname("127.0.0.1", port: port), serverName: "verdict"))
    try await application.runService()
  }
}

/// The body of a prediction in these benchmarks: seven numbers and three categories.
private struct Input: Decodable {
  struct Features: Decodable {
    var age: Double?
    var education_num: Double?
    var capital_gain: Double?
    var capital_loss: Double?
    var hours_per_week: Double?
    var score: Double?
    var balance: Double?
    var workclass: String?
    var occupation: String?
    var sex: String?
  }

  var features: Features
}

private struct Output: ResponseEncodable {
  struct Warning: Encodable {
    var feature: String
    var kind: String
    var detail: String
  }

  var id: String?
  var label: Int
  var probability: Double
  var threshold: Double
  var model_version: Int
  var labels_used: Int
  var warnings: [Warning]
}
