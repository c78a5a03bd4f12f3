import Testing

@testable import Learning

/// Tests of terms: bins with few rows are merged, so that no value says anything about a single row.
@Suite struct ModelTermTests {
  private func cell(_ value: Double, _ error: Double?, _ rows: Int) -> AdditiveCell {
    AdditiveCell(value: value, standardError: error, rows: rows)
  }

  @Test func `neighbours are merged until each part has enough rows`() {
    #expect(ModelTerm.neighbours(rows: [5, 5, 5], minimumRows: 5) == [[0], [1], [2]])
    #expect(ModelTerm.neighbours(rows: [9, 1, 5, 9], minimumRows: 5) == [[0], [1, 2], [3]])
    #expect(ModelTerm.neighbours(rows: [1, 9, 1], minimumRows: 5) == [[0, 1, 2]])
    #expect(ModelTerm.neighbours(rows: [0, 4], minimumRows: 1) == [[0, 1]])
    #expect(ModelTerm.neighbours(rows: [0, 4], minimumRows: 0) == [[0], [1]])
    #expect(ModelTerm.neighbours(rows: [1, 2], minimumRows: 4).isEmpty)
    #expect(ModelTerm.neighbours(rows: [], minimumRows: 4).isEmpty)
  }

  @Test func `the rarest categories are together in the last part`() {
    #expect(ModelTerm.rarest(rows: [5, 6], minimumRows: 5) == [[0], [1]])
    #expect(ModelTerm.rarest(rows: [2, 9, 3, 8], minimumRows: 5) == [[1], [3], [0, 2]])
    #expect(ModelTerm.rarest(rows: [9, 1, 8], minimumRows: 5) == [[0], [1, 2]])
    #expect(ModelTerm.rarest(rows: [1, 2], minimumRows: 5).isEmpty)
  }

  @Test(arguments: [1, 10, 30, 200]) func `every value that is shown has enough rows`(minimum: Int) throws {
    var data = Generated(seed: 21)
    let model = data.hostileAdditive()
    for case .feature(let term) in model.terms(minimumRows: minimum) {
      let feature = try #require(model.features.first { $0.name == term.axis.feature })
      #expect(term.bins.allSatisfy { $0.rows >= minimum } && term.missing?.rows ?? minimum >= minimum)
      #expect(term.bins.count == term.axis.count)
      let all = feature.bins.reduce(0) { $0 + $1.rows }
      #expect(term.bins.reduce(0) { $0 + $1.rows } == (term.bins.isEmpty ? 0 : all))
      #expect(!term.bins.isEmpty || all < minimum || feature.bins.isEmpty)
      // The mean over the rows stays.
      let mean = feature.bins.reduce(0) { $0 + $1.value * Double($1.rows) }
      let shown = term.bins.reduce(0) { $0 + $1.value * Double($1.rows) }
      #expect(term.bins.isEmpty || abs(shown - mean) < 1e-9)
      if let categories = term.axis.categories {
        #expect(categories.count == term.bins.count && term.axis.edges == nil && term.form == .levels)
        if !term.bins.isEmpty { #expect(categories.flatMap(\.self).sorted() == feature.categories?.sorted()) }
      } else {
        let edges = try #require(term.axis.edges)
        #expect(edges.count == max(0, term.bins.count - 1) && Set(edges).isSubset(of: feature.edges ?? []))
      }
    }
    for case .pair(let term) in model.terms(minimumRows: minimum) {
      #expect(term.bins.allSatisfy { $0.rows >= minimum })
      #expect(term.bins.isEmpty || term.regions.count == term.first.count * term.second.count)
      #expect(Set(term.regions) == Set(term.bins.indices))
      for axis in [term.first, term.second] {
        let present = axis.edges.map { $0.count + 1 } ?? axis.categories?.count ?? 0
        let all = present + (axis.missing == nil ? 0 : 1)
        #expect(axis.count == all || term.bins.isEmpty)
      }
    }
  }

  @Test func `all bins are shown as they are without a minimum`() throws {
    var data = Generated(seed: 22)
    let model = data.hostileAdditive()
    let terms = model.terms(minimumRows: 0)
    #expect(terms.count == model.features.count + model.pairs.count)
    guard case .feature(let first) = terms[0], case .pair(let pair) = terms[model.features.count] else {
      Issue.record("The terms are not in order.")
      return
    }
    #expect(first.axis.edges == model.features[0].edges && first.form == .steps)
    #expect(first.bins.map(\.value) == model.features[0].bins.map(\.value))
    #expect(first.missing?.value == model.features[0].missing?.value)
    #expect(pair.regions == Array(model.pairs[0].cells.indices))
    #expect(pair.bins.map(\.standardError) == model.pairs[0].cells.map(\.standardError))
    let bin = first.bins[3]
    #expect(bin.lower == bin.standardError.map { bin.value - 1.959963984540054 * $0 })
  }

  @Test func `a merged value is the mean over the rows, its standard error an upper bound`() throws {
    var model = AdditivePredictorTests.byHand
    model.features[0].bins = [cell(1, 0.5, 30), cell(2, 0.25, 10), cell(9, 1, 100)]
    model.features[0].missing = cell(5, 1, 3)
    guard case .feature(let term) = model.terms(minimumRows: 20)[0] else { return }
    #expect(term.axis.edges == [20])
    let merged = ModelTerm.Bin(value: 1.25, standardError: 0.4375, rows: 40)
    #expect(term.bins == [merged, ModelTerm.Bin(value: 9, standardError: 1, rows: 100)])
    #expect(term.missing == nil)
    model.features[0].bins[1].standardError = nil
    guard case .feature(let unknown) = model.terms(minimumRows: 20)[0] else { return }
    #expect(unknown.bins[0].standardError == nil && unknown.bins[1].standardError == 1)
  }

  @Test func `cells with few rows form regions with their neighbours`() throws {
    var model = AdditivePredictorTests.byHand
    // The lines: below 20, from 20 on, missing.
    model.pairs[0].cells = [
      cell(1, 1, 50), cell(2, 1, 40), cell(3, 1, 2), cell(4, 1, 60), cell(5, 1, 30), cell(6, 1, 1),
    ]
    guard case .pair(let term) = model.terms(minimumRows: 20)[3] else { return }
    #expect(term.first.edges == [20] && term.first.missing == 2 && term.second.categories == [["é"], ["a"]])
    #expect(term.regions.count == 6 && term.bins.map(\.rows).sorted() == [31, 40, 52, 60])
    // The cell of two rows goes to the neighbour with the fewest rows, not to the missing line.
    #expect(term.regions[2] == term.regions[0] && term.regions[4] == term.regions[5])
    model.pairs[0].cells[4].rows = 3
    guard case .pair(let hidden) = model.terms(minimumRows: 20)[3] else { return }
    #expect(hidden.first.missing == nil && hidden.first.count == 2 && hidden.regions.count == 4)
    guard case .pair(let none) = model.terms(minimumRows: 1_000)[3] else { return }
    #expect(none.regions.isEmpty && none.bins.isEmpty)
  }

  @Test func `a linear model has lines and levels`() throws {
    var data = Generated(seed: 23)
    let model = try fit(try data.table(rows: 400), parameters: TrainingParameters())
    let terms = model.terms(minimumRows: 10)
    guard case .feature(let line) = terms[0], case .feature(let levels) = terms[2] else { return }
    let coefficient = try #require(model.features[0].coefficient)
    #expect(line.form == .line && line.line?.slope == coefficient.value && line.line?.rows == 400)
    #expect(
      line.line?.standardError == coefficient.standardError && line.line?.mean == model.features[0].mean)
    #expect(levels.form == .levels && levels.bins.count == 3 && levels.bins.reduce(0) { $0 + $1.rows } == 400)
    let hidden = model.terms(minimumRows: 401)
    guard case .feature(let noLine) = hidden[0], case .feature(let noLevels) = hidden[2] else { return }
    #expect(noLine.line == nil && noLevels.bins.isEmpty)
  }
}
