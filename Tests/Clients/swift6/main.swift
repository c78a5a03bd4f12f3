// The README's tour with the Swift client that openapi-generator made: the answers are those of the README. Its methods offer
// the first media type of a body only, and leave out what is nil: other forms of a batch, and the null that takes a gate away,
// take the body's place in an interceptor.
import Foundation
import VerdictAPI

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

struct Surprise: Error, CustomStringConvertible {
  var description: String
}

func expect(_ holds: Bool, _ what: @autoclosure () -> String, line: Int = #line) throws {
  if !holds { throw Surprise(description: "line \(line): \(what())") }
}

func load<T: Decodable>(_ name: String, as type: T.Type = T.self) throws -> T {
  try JSONDecoder().decode(T.self, from: Data(contentsOf: examples.appending(path: name)))
}

/// Sends a body of its own instead of the one that a method has made.
struct Instead: OpenAPIInterceptor {
  var body: Data
  var type: String

  func intercept<T>(
    urlRequest: URLRequest, urlSession: any URLSessionProtocol, requestBuilder: RequestBuilder<T>,
    completion: @Sendable @escaping (Result<URLRequest, any Error>) -> Void
  ) {
    var request = urlRequest
    request.httpBody = body
    request.setValue(type, forHTTPHeaderField: "Content-Type")
    completion(.success(request))
  }

  func retry<T>(
    urlRequest: URLRequest, urlSession: any URLSessionProtocol, requestBuilder: RequestBuilder<T>,
    data: Data?,
    response: URLResponse?, error: any Error,
    completion: @Sendable @escaping (OpenAPIInterceptorRetry) -> Void
  ) {
    completion(.dontRetry)
  }
}

func sending(_ body: Data, as type: String) -> VerdictAPIAPIConfiguration {
  VerdictAPIAPIConfiguration(
    basePath: api.basePath, customHeaders: api.customHeaders, interceptor: Instead(body: body, type: type))
}

/// Labels in a form that the generated method has no type for.
func post(_ dataset: String, _ body: Data, as type: String) async throws -> LabelsAdded {
  try await LabelsAPI.addLabels(
    dataset: dataset, labelBatch: LabelBatch(labels: []), apiConfiguration: sending(body, as: type))
}

/// A file of the example, or its first lines.
func file(_ name: String, lines: Int? = nil) throws -> Data {
  let data = try Data(contentsOf: examples.appending(path: name))
  guard let lines else { return data }
  return Data(data.split(separator: UInt8(ascii: "\n")).prefix(lines).joined(separator: [UInt8(ascii: "\n")]))
}

/// Labels of the census, whose fields have no quotes.
func rows(_ count: Int, of features: [FeatureInput]) throws -> [NewLabel] {
  let text = try String(contentsOf: examples.appending(path: "adult_train.csv"), encoding: .utf8)
  let lines = text.split(separator: "\n").prefix(count + 1).map {
    $0.split(separator: ",", omittingEmptySubsequences: false)
  }
  let types = Dictionary(uniqueKeysWithValues: features.map { ($0.name, $0.type) })
  return lines.dropFirst().map { fields in
    var values: [String: FeatureValue?] = [:]
    var label = Outcome.typeBinary(._0)
    for (name, field) in zip(lines[0], fields) {
      switch types[String(name)] {
      case nil: label = .typeString(String(field))
      case .categorical: if !field.isEmpty { values[String(name)] = .typeString(String(field)) }
      default: if let number = Double(field) { values[String(name)] = .typeDouble(number) }
      }
    }
    return NewLabel(features: values, label: label)
  }
}

let environment = ProcessInfo.processInfo.environment
let examples = URL(filePath: environment["EXAMPLES"] ?? ".")
let api = VerdictAPIAPIConfiguration(
  basePath: environment["URL"] ?? "", customHeaders: ["Authorization": "Bearer \(environment["KEY"] ?? "")"])

// The three forms of a batch.
var forms: NewDataset = try load("dataset.json")
forms.name = "forms"
_ = try await DatasetsAPI.createDataset(newDataset: forms, apiConfiguration: api)
let batch = LabelBatch(labels: try rows(100, of: forms.features))
var stored = try await LabelsAPI.addLabels(dataset: "forms", labelBatch: batch, apiConfiguration: api)
  .labelsStored
try expect(stored == 100, "\(stored)")
let lines = try batch.labels.map { try JSONEncoder().encode($0) }.joined(separator: [UInt8(ascii: "\n")])
stored = try await post("forms", Data(lines), as: "application/x-ndjson").labelsStored
try expect(stored == 200, "\(stored)")
stored = try await post("forms", file("adult_train.csv", lines: 101), as: "text/csv").labelsStored
try expect(stored == 300, "\(stored)")

let new: NewDataset = try load("dataset.json")
let made = try await DatasetsAPI.createDataset(newDataset: new, apiConfiguration: api)
try expect(made.name == "adult" && made.label.positive == ">50K" && made.labelsStored == 0, "\(made)")
let added = try await post("adult", file("adult_train.csv"), as: "text/csv")
try expect(added.inserted == 32_561 && added.trainingJob == nil, "\(added)")
let job = try await TrainingAPI.createTrainingJob(
  dataset: "adult", prefer: "wait=50", trainingParametersInput: TrainingParametersInput(),
  apiConfiguration: api)
var done = job
while [.queued, .running].contains(done.state) {
  done = try await TrainingAPI.getTrainingJob(dataset: "adult", id: job.id, apiConfiguration: api)
}
guard let kpis = done.kpis, let accuracy = kpis.accuracy else { throw Surprise(description: "\(done)") }
try expect(done.state == .succeeded && abs(accuracy - 0.855037) < 1e-6, "\(done)")
let person: PredictionInput = try load("person.json")
let prediction = try await PredictionsAPI.predict(
  dataset: "adult", predictionInput: person, explain: true, apiConfiguration: api)
guard let id = prediction.id else { throw Surprise(description: "\(prediction)") }
try expect(
  prediction.modelVersion == 1 && prediction.contributions?.first?.feature == "marital_status",
  "\(prediction)")
let labelled = try await PredictionsAPI.labelPrediction(
  dataset: "adult", id: id, predictionLabelInput: PredictionLabelInput(label: .typeBinary(._1)),
  apiConfiguration: api)
try expect(labelled.trueLabel == ._1, "\(labelled)")
let dataset = try await DatasetsAPI.getDataset(dataset: "adult", apiConfiguration: api)
try expect(dataset.labelsStored == 32_562 && dataset.activeModel?.version == 1, "\(dataset)")
let gate = DatasetPatch(gate: GatePatch(metric: .accuracy, minimum: 0.9))
let gated = try await DatasetsAPI.updateDataset(dataset: "adult", datasetPatch: gate, apiConfiguration: api)
try expect(gated.gate?.minLabels == 100, "\(gated)")
do {
  _ = try await PredictionsAPI.predict(dataset: "adult", predictionInput: person, apiConfiguration: api)
  throw Surprise(description: "the gate let a prediction through")
} catch let ErrorResponse.error(status, data, _, _) {
  let problem = try JSONDecoder().decode(Problem.self, from: data ?? Data())
  try expect(status == 409 && problem.metric == .accuracy, "\(problem)")
}
let open = try await DatasetsAPI.updateDataset(
  dataset: "adult", datasetPatch: DatasetPatch(),
  apiConfiguration: sending(Data(#"{"gate": null}"#.utf8), as: "application/merge-patch+json"))
try expect(open.gate == nil, "\(open)")
_ = try await PredictionsAPI.predict(dataset: "adult", predictionInput: person, apiConfiguration: api)
let policy = DatasetPatch(
  autoTrain: AutoTrainInput(enabled: true, minNewLabels: 1_000, maxDelaySeconds: 60))
let training = try await DatasetsAPI.updateDataset(
  dataset: "adult", datasetPatch: policy, apiConfiguration: api)
try expect(training.autoTrain.enabled && training.gate == nil, "\(training)")
let more = try await post("adult", file("adult_test.csv"), as: "text/csv")
try expect(more.labelsStored == 48_843 && more.trainingJob != nil, "\(more)")
let history = try await QualityAPI.listKpis(dataset: "adult", apiConfiguration: api)
try expect(history.data.first?.modelVersion == 1, "\(history)")
print("the Swift client of openapi-generator walked the tour")
