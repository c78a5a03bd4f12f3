import JobQueue
import PostgreSQL
import VerdictCore

/// The composition root: creates the stores and services of one server, from which ``WebServer`` gives each group of routes
/// those that it uses.
struct AppServices: Sendable {
  let metrics: MetricsRegistry
  let refusals: RefusalMetrics
  let database: Database
  let queue: JobQueue
  let autoTraining: AutoTraining
  let datasets: DatasetStore
  let labels: LabelStore
  let ingest: LabelIngest
  let trainings: TrainingJobs
  let models: ModelStore
  let comparisons: ModelComparisons
  let promotions: PromotionStore
  let profiles: ProfileStore
  let predictor: MeteredPredictor
  let predictionStore: PredictionStore
  let predictionDeletion: PredictionDeletion
  let erasures: ErasureStore
  let feedback: Feedback
  let liveKPIs: LiveKPIStore
  let keys: KeyStore
  let usage: UsageStore
  let audit: AuditLog
  let publisher: DatasetChangePublisher
  let connectionLimiter: ConnectionLimiter
  let idempotency: IdempotentExecutor

  /// - Parameter modelCacheBytes: the most memory for datasets and models that are ready to predict.
  init(
    database: Database, queue: JobQueue, metrics: MetricsRegistry,
    modelCacheBytes: Int = ServedDatasets.standardBytes
  ) {
    let predictionMetrics = PredictionMetrics(registry: metrics)
    let autoTraining = AutoTraining(queue: queue)
    self.metrics = metrics
    refusals = RefusalMetrics(registry: metrics)
    self.database = database
    self.queue = queue
    self.autoTraining = autoTraining
    datasets = DatasetStore(database: database)
    labels = LabelStore(database: database, autoTraining: autoTraining)
    ingest = LabelIngest(database: database, autoTraining: autoTraining)
    trainings = TrainingJobs(database: database, queue: queue)
    models = ModelStore(database: database)
    comparisons = ModelComparisons(database: database)
    promotions = PromotionStore(database: database)
    profiles = ProfileStore(database: database)
    let served = ServedDatasets(
      database: database, bytes: modelCacheBytes,
      freshness: database.isReadOnly ? .polled(every: .milliseconds(900)) : .announced)
    publisher = DatasetChangePublisher(served: served, barrier: ChangeBarrier(database: database))
    let writer = PredictionWriter(database: database) { predictionMetrics.flushed(rows: $0, in: $1) }
    predictor = MeteredPredictor(
      predictions: PredictionService(database: database, served: served, writer: writer),
      metrics: predictionMetrics)
    liveKPIs = LiveKPIStore(database: database)
    predictionStore = PredictionStore(database: database)
    predictionDeletion = PredictionDeletion(database: database, autoTraining: autoTraining)
    erasures = ErasureStore(database: database)
    feedback = Feedback(database: database, autoTraining: autoTraining)
    keys = KeyStore(database: database)
    usage = UsageStore(database: database)
    audit = AuditLog(database: database)
    connectionLimiter = ConnectionLimiter(connections: database.pool.maximum)
    idempotency = IdempotentExecutor(database: database, limiter: connectionLimiter)
    publishGauges(of: writer)
    metrics.addSource { _ in
      [
        .init(kind: .gauge, name: "verdict_model_cache_bytes", value: Double(served.byteCount)),
        .init(kind: .gauge, name: "verdict_model_cache_entries", value: Double(served.count)),
      ]
    }
  }

  /// Adds the state of the pool, the queue and the waiting predictions to each scrape.
  private func publishGauges(of writer: PredictionWriter) {
    // One query serves all scrapes of a second.
    let jobs = SingleFlightCache { [queue] in try await queue.statistics() }
    metrics.addSource(database.pool)
    metrics.addSource { [connectionLimiter] _ in
      var samples: [MetricsRegistry.Sample] = [
        .init(kind: .gauge, name: "verdict_pool_permits_taken", value: Double(connectionLimiter.taken)),
        .init(kind: .gauge, name: "verdict_predictions_waiting", value: Double(writer.waitingRows)),
        .init(
          kind: .gauge, name: "verdict_request_memory_bytes", value: Double(RequestMemory.current.taken)),
      ]
      // While the database is down, a scrape returns the rest.
      if let jobs = try? await jobs.value() {
        samples += [
          .init(
            kind: .gauge, name: "verdict_jobs", labels: [("state", "queued")], value: Double(jobs.queued)),
          .init(
            kind: .gauge, name: "verdict_jobs", labels: [("state", "running")], value: Double(jobs.running)),
          .init(kind: .gauge, name: "verdict_jobs_oldest_wait_seconds", value: jobs.oldestWait),
        ]
      }
      return samples
    }
  }
}
