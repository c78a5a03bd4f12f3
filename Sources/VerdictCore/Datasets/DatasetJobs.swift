/// The jobs that work on datasets. They are deleted with their dataset.
enum DatasetJobs {
  /// The kinds of jobs whose subject is a dataset.
  private static let kinds = [TrainingJobs.kind]

  /// The jobs of a dataset in the queue, by kind.
  static func subjects(of dataset: Int) -> [(kind: String, id: Int64)] { kinds.map { ($0, Int64(dataset)) } }
}
