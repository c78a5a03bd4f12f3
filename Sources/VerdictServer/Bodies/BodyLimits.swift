/// How large bodies may be, after decompression, in bytes.
enum BodyLimits {
  /// Everything that is not mentioned below.
  static let small = 1 << 20
  /// Batches of labels and of predictions as one JSON document.
  static let batch = 64 << 20
  /// Streams of labels as NDJSON or CSV.
  static let stream = 1 << 30
}
