import JobQueue
import PostgreSQL
import VerdictCore

/// The parts of the domain that routes call.
struct AppServices: Sendable {
  let database: Database
  let queue: JobQueue
  let autoTraining: AutoTraining
  let datasets: DatasetStore
  let labels: LabelStore
  let ingest: LabelIngest
  let trainings: TrainingJobs
  let models: ModelStore
  let served: ServedDatasets
  let barrier: ChangeBarrier
  let predictions: PredictionService
  let predictionStore: PredictionStore
  let feedback: Feedback
  let liveKPIs: LiveKPIStore
  let predictionExport: PredictionExport
  let keys: KeyStore
  let usage: UsageStore
  let audit: AuditLog
  let predictionMetrics: PredictionMetrics
  let connectionLimiter: ConnectionLimiter

  init(database: Database, queue: JobQueue, metrics: MetricsRegistry) {
    let counting = PredictionMetrics(registry: metrics)
    predictionMetrics = counting
    let autoTraining = AutoTraining(queue: queue)
    self.database = database
    self.queue = queue
    self.autoTraining = autoTraining
    datasets = DatasetStore(database: database)
    labels = LabelStore(database: database, autoTraining: autoTraining)
    ingest = LabelIngest(database: database, autoTraining: autoTraining)
    trainings = TrainingJobs(database: database, queue: queue)
    models = ModelStore(database: database)
    served = ServedDatasets(
      database: database, freshness: database.isReadOnly ? .polled(every: .milliseconds(900)) : .announced)
    barrier = ChangeBarrier(database: database)
    let writer = PredictionWriter(database: database) { counting.flushed(rows: $0, in: $1) }
    predictions = PredictionService(database: database, served: served, writer: writer)
    liveKPIs = LiveKPIStore(database: database)
    predictionExport = PredictionExport(database: database)
    predictionStore = PredictionStore(database: database)
    feedback = Feedback(database: database, autoTraining: autoTraining)
    keys = KeyStore(database: database)
    usage = UsageStore(database: database)
    audit = AuditLog(database: database)
    connectionLimiter = ConnectionLimiter(connections: database.pool.maximum)
    show(writer, in: metrics)
  }

  /// Lets this server and all others go by a change of a dataset, before the request for it is answered.
  func settle(_ tenant: TenantID, _ name: String) async {
    served.forget(tenant, named: name)
    await barrier.pass()
  }

  /// Shows the state of the pool, of the queue and of what waits to be stored at every scrape.
  private func show(_ writer: PredictionWriter, in metrics: MetricsRegistry) {
    // A look at the database is one for all scrapes of a second.
    let jobs = SingleFlightCache { [queue] in try await queue.statistics() }
    metrics.show(database.pool)
    metrics.show { [connectionLimiter] _ in
      var readings: [MetricsRegistry.Reading] = [
        .init(kind: .gauge, name: "verdict_pool_permits_taken", value: Double(connectionLimiter.taken)),
        .init(kind: .gauge, name: "verdict_predictions_waiting", value: Double(writer.waitingRows)),
        .init(kind: .gauge, name: "verdict_body_memory_bytes", value: Double(BodyMemory.current.taken)),
      ]
      // A scrape while the database is away shows the rest.
      if let jobs = try? await jobs.value() {
        readings += [
          .init(
            kind: .gauge, name: "verdict_jobs", labels: [("state", "queued")], value: Double(jobs.queued)),
          .init(
            kind: .gauge, name: "verdict_jobs", labels: [("state", "running")], value: Double(jobs.running)),
          .init(kind: .gauge, name: "verdict_jobs_oldest_wait_seconds", value: jobs.oldestWait),
        ]
      }
      return readings
    }
  }
}
