// The README's tour with the Swift client that openapi-generator made. It offers the first media type of a body only, so the
// labels go as JSON; and it leaves out what is nil, so that a gate is lowered where the README takes it away.
import Foundation
import VerdictAPI

struct Surprise: Error, CustomStringConvertible {
  var description: String
}

func expect(_ holds: Bool, _ what: @autoclosure () -> String, line: Int = #line) throws {
  if !holds { throw Surprise(description: "line \(line): \(what())") }
}

func load<T: Decodable>(_ name: String, as type: T.Type = T.self) throws -> T {
  try JSONDecoder().decode(T.self, from: Data(contentsOf: examples.appending(path: name)))
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

let new: NewDataset = try load("dataset.json")
let made = try await DatasetsAPI.createDataset(newDataset: new, apiConfiguration: api)
try expect(made.name == "adult" && made.label.positive == ">50K" && made.labelsStored == 0, "\(made)")
let batch = LabelBatch(labels: try rows(4_000, of: new.features))
let added = try await LabelsAPI.addLabels(dataset: "adult", labelBatch: batch, apiConfiguration: api)
try expect(added.inserted == 4_000 && added.trainingJob == nil, "\(added)")
let job = try await TrainingAPI.createTrainingJob(
  dataset: "adult", prefer: "wait=50", trainingParametersInput: TrainingParametersInput(),
  apiConfiguration: api)
var done = job
while [.queued, .running].contains(done.state) {
  done = try await TrainingAPI.getTrainingJob(dataset: "adult", id: job.id, apiConfiguration: api)
}
guard let kpis = done.kpis, let accuracy = kpis.accuracy else { throw Surprise(description: "\(done)") }
try expect(done.state == .succeeded && accuracy > 0.8, "\(done)")
let person: PredictionInput = try load("person.json")
let prediction = try await PredictionsAPI.predict(
  dataset: "adult", predictionInput: person, explain: true, apiConfiguration: api)
guard let id = prediction.id else { throw Surprise(description: "\(prediction)") }
try expect(prediction.modelVersion == 1 && prediction.contributions?.count == 14, "\(prediction)")
let labelled = try await PredictionsAPI.labelPrediction(
  dataset: "adult", id: id, predictionLabelInput: PredictionLabelInput(label: .typeBinary(._1)),
  apiConfiguration: api)
try expect(labelled.trueLabel == ._1, "\(labelled)")
let dataset = try await DatasetsAPI.getDataset(dataset: "adult", apiConfiguration: api)
try expect(dataset.labelsStored == 4_001 && dataset.activeModel?.version == 1, "\(dataset)")
let gate = DatasetPatch(gate: GatePatch(metric: .accuracy, minimum: 0.99))
let gated = try await DatasetsAPI.updateDataset(dataset: "adult", datasetPatch: gate, apiConfiguration: api)
try expect(gated.gate?.minLabels == 100, "\(gated)")
do {
  _ = try await PredictionsAPI.predict(dataset: "adult", predictionInput: person, apiConfiguration: api)
  throw Surprise(description: "the gate let a prediction through")
} catch let ErrorResponse.error(status, data, _, _) {
  let problem = try JSONDecoder().decode(Problem.self, from: data ?? Data())
  try expect(status == 409 && problem.metric == .accuracy, "\(problem)")
}
let lower = DatasetPatch(
  autoTrain: AutoTrainInput(enabled: true, minNewLabels: 1_000), gate: GatePatch(minimum: 0))
let open = try await DatasetsAPI.updateDataset(dataset: "adult", datasetPatch: lower, apiConfiguration: api)
try expect(open.gate?.minimum == 0 && open.autoTrain.enabled, "\(open)")
_ = try await PredictionsAPI.predict(dataset: "adult", predictionInput: person, apiConfiguration: api)
let history = try await QualityAPI.listKpis(dataset: "adult", apiConfiguration: api)
try expect(history.data.first?.modelVersion == 1, "\(history)")
print("the Swift client of openapi-generator walked the tour")
