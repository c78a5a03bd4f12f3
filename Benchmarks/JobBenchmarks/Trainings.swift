import Foundation
import JobQueue
import VerdictCore
import TestSupport

/// Measures one training on all rows, from the request to the stored model: reading, hold-out fit, KPIs, final fit, saving.
struct Trainings {
  let fixture: TrainingFixture

  func run() async throws {
    var copies: [Double] = []
    var jobs: [Double] = []
    var memory: [Double] = []
    let matrix = Double(fixture.rows * TrainingFixture.features * 8)
    try await fixture.withWorker(cacheBytes: 0) {}
    for _ in 0..<Main.rounds {
      copies.append(try await fixture.copyOut())
      let (time, peak) = try await fixture.withWorker(cacheBytes: 0) { [fixture] in
        let before = Memory.resetPeak()
        let time = try await seconds {
          let job = try await fixture.database.transaction(for: fixture.tenant) { tx in
            try await TrainingJobs(database: fixture.database, queue: fixture.queue)
              .request(fixture.tenant, dataset: "d", in: tx) { $0 }
          }
          try await fixture.waitForEnd(of: Int(job.id))
        }
        return (time, Memory.peak - before)
      }
      jobs.append(time)
      memory.append(Double(peak) / matrix)
    }
    report(
      "a training of \(fixture.rows) rows, end to end",
      "\(median(jobs).milliseconds), psql copies them in \(median(copies).milliseconds), ratio "
        + (median(jobs) / median(copies)).ratio)
    report("its memory above idle", "\(median(memory).ratio) of the matrix of \(Int(matrix / 1e6)) MB")
  }
}

/// The resident memory of this process (proc(5)).
enum Memory {
  /// The peak in bytes since ``resetPeak()``.
  static var peak: Int { field("VmHWM") }

  /// Resets the peak and returns the current bytes.
  static func resetPeak() -> Int {
    try? "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)
    return field("VmRSS")
  }

  private static func field(_ name: String) -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix(name + ":") }
    return (line?.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap { Int($0) } ?? 0)
      * 1_024
  }
}
