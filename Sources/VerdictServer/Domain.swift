import JobQueue
import PostgreSQL
import VerdictCore

/// The parts of the domain that routes call.
struct Domain: Sendable {
  let database: Database
  let queue: JobQueue
  let datasets: DatasetStore
  let labels: LabelStore
  let ingest: LabelIngest
  let trainings: TrainingJobs
  let models: ModelStore
  let served: ServedDatasets
  let predictions: PredictionService
  let predictionStore: PredictionStore
  let feedback: Feedback
  let keys: KeyStore

  init(database: Database, queue: JobQueue) {
    let autoTraining = AutoTraining(queue: queue)
    self.database = database
    self.queue = queue
    datasets = DatasetStore(database: database)
    labels = LabelStore(database: database, autoTraining: autoTraining)
    ingest = LabelIngest(database: database, autoTraining: autoTraining)
    trainings = TrainingJobs(database: database, queue: queue)
    models = ModelStore(database: database)
    served = ServedDatasets(database: database)
    predictions = PredictionService(
      served: served, writer: PredictionWriter(database: database))
    predictionStore = PredictionStore(database: database)
    feedback = Feedback(database: database, autoTraining: autoTraining)
    keys = KeyStore(database: database)
  }

  /// Shows the state of the pool at every scrape.
  func show(in metrics: MetricsRegistry) {
    let pool = database.pool
    for (state, read): (String, @Sendable (ConnectionPool.Statistics) -> Int) in [
      ("open", { $0.open }), ("idle", { $0.idle }), ("in_use", { $0.inUse }), ("waiting", { $0.waiting }),
    ] {
      metrics.gauge("verdict_pool_connections", [("state", state)]) { Double(read(pool.statistics())) }
    }
  }
}
