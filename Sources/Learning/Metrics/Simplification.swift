/// Draws a line with fewer points: the point whose triangle with its neighbours is smallest goes, again and again
/// (Visvalingam and Whyatt 1993). Ends and corners stay.
enum Simplification {
  private struct Candidate: Comparable {
    var area: Double
    var index: Int
    var version: Int

    static func < (a: Candidate, b: Candidate) -> Bool { (a.area, a.index) < (b.area, b.index) }
  }

  static func keep<Point>(_ limit: Int, of points: [Point], at place: (Point) -> (Double, Double)) -> [Point]
  {
    guard points.count > limit, limit >= 2 else { return points }
    let points = thin(points, at: place)
    let places = points.map(place)
    var before = points.indices.map { $0 - 1 }
    var after = points.indices.map { $0 + 1 }
    var versions = [Int](repeating: 0, count: points.count)
    var gone = [Bool](repeating: false, count: points.count)
    func area(_ index: Int) -> Double {
      let (a, b, c) = (places[before[index]], places[index], places[after[index]])
      return abs((b.0 - a.0) * (c.1 - a.1) - (c.0 - a.0) * (b.1 - a.1)) / 2
    }
    var heap = Heap<Candidate>()
    for index in points.indices.dropFirst().dropLast() {
      heap.insert(Candidate(area: area(index), index: index, version: 0))
    }
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
        // Never below the area of the point that went, so that a run of small bends is not eaten up from one end.
        heap.insert(
          Candidate(area: max(area(index), least.area), index: index, version: versions[index]))
      }
    }
    return points.indices.filter { !gone[$0] }.map { points[$0] }
  }

  /// Of very many points the first in every stretch of 1/4000 of the way, which no eye can tell from all.
  private static func thin<Point>(_ points: [Point], at place: (Point) -> (Double, Double)) -> [Point] {
    let steps = 4_000.0
    guard points.count > Int(2 * steps), var last = points.first.map(place) else { return points }
    var result = points.prefix(1) + []
    for point in points.dropFirst().dropLast() {
      let here = place(point)
      guard abs(here.0 - last.0) + abs(here.1 - last.1) >= 1 / steps else { continue }
      result.append(point)
      last = here
    }
    return result + points.suffix(1)
  }
}

/// A binary heap, smallest first.
struct Heap<Element: Comparable> {
  private var elements: [Element] = []

  mutating func insert(_ element: Element) {
    elements.append(element)
    var child = elements.count - 1
    while child > 0, elements[child] < elements[(child - 1) / 2] {
      elements.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func popMin() -> Element? {
    guard let least = elements.first else { return nil }
    elements.swapAt(0, elements.count - 1)
    elements.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < elements.count {
        if elements[child] < elements[least] { least = child }
      }
      if least == parent { break }
      elements.swapAt(parent, least)
      parent = least
    }
    return least
  }
}
