import Foundation
import JobQueue
import VerdictCore

/// One training on all rows, from the request to the stored model: reading, hold-out fit, KPIs, final fit, saving.
struct Trainings {
  let shop: Shop

  func run() async throws {
    var copies: [Double] = []
    var jobs: [Double] = []
    var memory: [Double] = []
    let matrix = Double(shop.rows * Shop.features * 8)
    try await shop.working(cacheBytes: 0) {}
    for _ in 0..<Main.rounds {
      copies.append(try await shop.copyOut())
      let (time, peak) = try await shop.working(cacheBytes: 0) { [shop] in
        let before = Memory.resetPeak()
        let time = try await seconds {
          let job = try await shop.database.transaction(for: shop.tenant) { tx in
            try await TrainingJobs(database: shop.database, queue: shop.queue)
              .request(shop.tenant, dataset: "d", in: tx) { $0 }
          }
          try await shop.end(of: Int(job.id))
        }
        return (time, Memory.peak - before)
      }
      jobs.append(time)
      memory.append(Double(peak) / matrix)
    }
    report(
      "a training of \(shop.rows) rows, end to end",
      "\(median(jobs).milliseconds), psql copies them in \(median(copies).milliseconds), ratio "
        + (median(jobs) / median(copies)).ratio)
    report("its memory above idle", "\(median(memory).ratio) of the matrix of \(Int(matrix / 1e6)) MB")
  }
}

/// The process's resident memory, from Linux's `/proc`.
enum Memory {
  /// Bytes at the most since ``resetPeak()``.
  static var peak: Int { field("VmHWM") }

  /// Forgets the peak so far; the bytes at this moment.
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
