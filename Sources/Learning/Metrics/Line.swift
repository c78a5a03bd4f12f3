import HeapModule

/// Simplifies a polyline of very many points to a few; ends and corners stay (Visvalingam and Whyatt 1993).
struct Line<Point> {
  private let place: (Point) -> (Double, Double)
  private let isLong: Bool
  private var points: [Point] = []
  /// Points since the last one kept, which are less than a step away from it.
  private var pending: [Point] = []

  /// The resolution to which a long line is thinned while it is built: each 1/2000 of the way keeps one point and the
  /// sharpest bend before it, which looks the same.
  private static var steps: Double { 2_000 }

  /// A line that will have `count` points; `place` returns the coordinates of a point.
  init(of count: Int, at place: @escaping (Point) -> (Double, Double)) {
    self.place = place
    isLong = Double(count) > 4 * Self.steps
  }

  mutating func append(_ point: Point) {
    guard isLong, let last = points.last.map(place) else {
      points.append(point)
      return
    }
    pending.append(point)
    let here = place(point)
    if abs(here.0 - last.0) + abs(here.1 - last.1) >= 1 / Self.steps { flush() }
  }

  /// Keeps the last pending point and the one furthest from the straight segment to it.
  private mutating func flush() {
    guard let last = pending.popLast() else { return }
    if let start = points.last {
      let (a, c) = (place(start), place(last))
      var furthest: (point: Point, area: Double)?
      for point in pending {
        let area = Self.area(a, place(point), c)
        if area > furthest?.area ?? 1e-15 { furthest = (point, area) }
      }
      if let furthest { points.append(furthest.point) }
    }
    points.append(last)
    pending.removeAll(keepingCapacity: true)
  }

  private static func area(_ a: (Double, Double), _ b: (Double, Double), _ c: (Double, Double)) -> Double {
    abs((b.0 - a.0) * (c.1 - a.1) - (c.0 - a.0) * (b.1 - a.1)) / 2
  }

  private struct Candidate: Comparable {
    var area: Double
    var index: Int
    var version: Int

    static func < (a: Candidate, b: Candidate) -> Bool { (a.area, a.index) < (b.area, b.index) }
  }

  /// The line in at most `limit` points: repeatedly drops the point whose triangle with its neighbours is smallest.
  consuming func simplified(to limit: Int) -> [Point] {
    flush()
    let points = points
    guard points.count > limit, limit >= 2 else { return points }
    let places = points.map(place)
    var before = points.indices.map { $0 - 1 }
    var after = points.indices.map { $0 + 1 }
    var versions = [Int](repeating: 0, count: points.count)
    var gone = [Bool](repeating: false, count: points.count)
    func area(_ index: Int) -> Double {
      Self.area(places[before[index]], places[index], places[after[index]])
    }
    var heap = Heap(
      points.indices.dropFirst().dropLast().map { Candidate(area: area($0), index: $0, version: 0) })
    var left = points.count
    while left > limit, let least = heap.popMin() {
      guard !gone[least.index], versions[least.index] == least.version else { continue }
      gone[least.index] = true
      left -= 1
      let (a, b) = (before[least.index], after[least.index])
      after[a] = b
      before[b] = a
      for index in [a, b] where index > 0 && index < points.count - 1 {
        versions[index] += 1
        // At least the area of the dropped point, or a run of small bends would disappear from one end.
        heap.insert(
          Candidate(area: max(area(index), least.area), index: index, version: versions[index]))
      }
    }
    return points.indices.filter { !gone[$0] }.map { points[$0] }
  }
}
