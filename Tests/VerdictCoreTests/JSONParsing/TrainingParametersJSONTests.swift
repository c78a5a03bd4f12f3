import Learning
import RowFormats
import Testing

@testable import VerdictCore

/// Tests of the conversion of a client's JSON to training parameters, and of the errors for invalid JSON.
@Suite struct TrainingParametersJSONTests {
  private func parse(
    _ json: String, over current: TrainingParameters? = nil
  ) throws -> (TrainingParameters?, [InputProblem]) {
    let errors = ValidationErrors()
    let value = try JSONValue.parse(Array(json.utf8))
    let result = JSONParser.trainingParameters.parse(value, over: current, at: "/training", errors)
    return (result, errors.problems)
  }

  @Test func `a present member replaces the value and null restores the default`() throws {
    var current = TrainingParameters()
    current.penalty = .elasticnet
    current.l1Ratio = 0.25
    current.c = 7
    current.tolerance = 1e-6
    current.validation = .holdout(fraction: 0.4)
    let patch = #"{"penalty":"l1","l1_ratio":null,"C":null,"validation":{"method":"kfold"},"seed":5}"#
    let (patched, problems) = try parse(patch, over: current)
    #expect(problems == [])
    var expected = TrainingParameters()
    expected.penalty = .l1
    expected.validation = .kfold(folds: 5)
    expected.seed = 5
    expected.tolerance = 1e-6
    #expect(patched == expected)
    #expect(try parse("{}", over: current).0 == current)
    #expect(try parse("{}").0 == TrainingParameters())
  }

  @Test func `every method of validation has its members`() throws {
    for (json, method) in [
      (#"{"method":"holdout"}"#, ValidationMethod.holdout(fraction: 0.2)),
      (#"{"method":"holdout","fraction":0.3,"group":true}"#, .holdout(fraction: 0.3, group: true)),
      (#"{"method":"kfold","group":false}"#, .kfold(folds: 5)),
      (#"{"method":"kfold","folds":3,"group":true}"#, .kfold(folds: 3, group: true)),
      (#"{"method":"time","group":null,"gap_days":null}"#, .time(fraction: 0.2)),
      (
        #"{"method":"time","fraction":0.1,"gap_days":0.5,"group":true}"#,
        .time(fraction: 0.1, gapDays: 0.5, group: true)
      ),
      (#"{"method":"split"}"#, .split()), (#"{"method":"split","group":true}"#, .split(group: true)),
    ] {
      let (parameters, problems) = try parse(#"{"validation":\#(json)}"#)
      #expect(problems == [] && parameters?.validation == method, "\(json)")
    }
  }

  @Test func `parameters of a job are laid over those of its dataset`() throws {
    var own = TrainingParameters()
    own.penalty = .elasticnet
    own.l1Ratio = 0.25
    own.classWeight = .balanced
    own.seed = 3
    func job(_ json: String) throws -> (TrainingParameters?, [String?]) {
      let errors = ValidationErrors()
      let value = try JSONValue.parse(Array(json.utf8))
      let result = JSONParser.trainingParameters(defaults: own).parse(value, errors)
      return (result, errors.problems.map(\.pointer))
    }
    #expect(try job("{}").0 == own)
    #expect(try job(#"{"penalty":null,"l1_ratio":null,"class_weight":null,"seed":null}"#).0 == own)
    var expected = own
    expected.penalty = .l2
    expected.l1Ratio = nil
    #expect(try job(#"{"penalty":"l2"}"#).0 == expected)
    #expect(try job(#"{"penalty":"l2","l1_ratio":null}"#).0 == expected)
    #expect(try job(#"{"penalty":"l2","l1_ratio":0.25}"#).1 == ["/l1_ratio"])
    expected = own
    expected.l1Ratio = 0.5
    #expect(try job(#"{"penalty":"elasticnet","l1_ratio":0.5}"#).0 == expected)
  }

  @Test func `a threshold of one half beside weights is the default or the owner's`() throws {
    let balanced = try #require(try parse(#"{"class_weight":"balanced"}"#).0)
    #expect(balanced.movesThreshold)
    #expect(try parse(#"{"class_weight":"balanced","threshold":null}"#).0 == balanced)
    let given = try #require(try parse(#"{"class_weight":"balanced","threshold":0.5}"#).0)
    #expect(!given.movesThreshold && given != balanced)
    #expect(try parse(#"{"threshold":0.5}"#, over: balanced).0 == given)
    #expect(
      try parse(#"{"C":1}"#, over: given).0 == given && parse(#"{"C":1}"#, over: balanced).0 == balanced)
    #expect(try parse(#"{"threshold":null}"#, over: given).0 == balanced)
    // Without weights both are the same.
    #expect(try parse(#"{"threshold":0.5}"#).0 == TrainingParameters())
    #expect(try parse(#"{"class_weight":null}"#, over: given).0 == TrainingParameters())
    func job(_ json: String, _ own: TrainingParameters) throws -> TrainingParameters? {
      let errors = ValidationErrors()
      return JSONParser.trainingParameters(defaults: own).parse(try JSONValue.parse(Array(json.utf8)), errors)
    }
    for own in [given, balanced] {
      #expect(try job("{}", own) == own && job(#"{"threshold":null}"#, own) == own)
      #expect(try job(#"{"threshold":0.5}"#, own) == given)
    }
    #expect(try job(#"{"class_weight":"balanced"}"#, TrainingParameters()) == balanced)
  }

  @Test(
    arguments: [
      (#"{"threshold":0.25}"#, .fixed(0.25)), (#"{"threshold":{"maximize":"youden"}}"#, .maximize(.youden)),
      (#"{"threshold":{"metric":"recall","at_least":0.9}}"#, .atLeast(.recall, 0.9)),
      (
        #"{"threshold":{"cost":{"false_positive":1,"false_negative":5}}}"#,
        .cost(falsePositive: 1, falseNegative: 5)
      ), (#"{"threshold":null}"#, .fixed(0.5)),
    ] as [(String, ThresholdRule)])
  func `every threshold rule is parsed`(json: String, rule: ThresholdRule) throws {
    let (parameters, problems) = try parse(json)
    #expect(problems == [])
    #expect(parameters?.threshold == rule)
  }

  @Test(
    arguments: [
      ("[]", ["": "must be an object"]), (#"{"a/b":1}"#, ["/a~1b": "unknown member"]),
      (
        #"{"tolerance":"1","max_iterations":0}"#,
        [
          "/tolerance": "must be a finite number",
          "/max_iterations": "must be a whole number from 1 to 10000",
        ]
      ), (#"{"tolerance":2}"#, ["/tolerance": "tolerance must be a number from 1e-12 to 1."]),
      (
        #"{"penalty":"l3","C":"1"}"#,
        ["/penalty": "must be one of l2, l1, elasticnet, none", "/C": "must be a finite number or auto"]
      ),
      (#"{"seed":-1}"#, ["/seed": "must be a whole number from 0 to 9007199254740991"]),
      (#"{"C":0}"#, ["/C": "C must be a number from 1e-12 to 1e12."]),
      (
        #"{"penalty":"elasticnet"}"#,
        ["/l1_ratio": "With the penalty 'elasticnet', l1_ratio must be a number from 0 to 1."]
      ),
      (#"{"class_weight":1}"#, ["/class_weight": "must be one of balanced"]),
      (
        #"{"threshold":"x"}"#,
        ["/threshold": "must be a number or an object that says how to choose one"]
      ),
      (#"{"threshold":{}}"#, ["/threshold/cost": "is missing"]),
      (
        #"{"threshold":{"metric":"f1"}}"#,
        ["/threshold/metric": "must be one of precision, recall", "/threshold/at_least": "is missing"]
      ),
      (#"{"threshold":{"maximize":"f1","cost":{}}}"#, ["/threshold/cost": "unknown member"]),
      (
        #"{"threshold":{"cost":{"false_positive":0,"false_negative":1}}}"#,
        ["/threshold/cost/false_positive": "false_positive must be a number above 0 and up to 1e12."]
      ),
      (
        #"{"validation":{"method":"kfold","folds":1}}"#,
        ["/validation/folds": "must be a whole number from 2 to 20"]
      ),
      (
        #"{"validation":{"method":"kfold","fraction":0.2}}"#,
        ["/validation/fraction": "is for the methods holdout and time"]
      ),
      (
        #"{"validation":{"method":"holdout","folds":3,"gap_days":1}}"#,
        [
          "/validation/folds": "is for the method kfold", "/validation/gap_days": "is for the method time",
        ]
      ),
      (
        #"{"validation":{"method":"split","fraction":0.2,"group":1}}"#,
        [
          "/validation/fraction": "is for the methods holdout and time",
          "/validation/group": "must be true or false",
        ]
      ),
      (
        #"{"validation":{"method":"time","gap_days":-1}}"#,
        ["/validation/gap_days": "gap_days must be a number from 0 to 36500."]
      ),
      (
        #"{"validation":{"method":"time","gap_days":"2"}}"#,
        ["/validation/gap_days": "must be a finite number"]
      ),
      (
        #"{"validation":{"method":"leave"}}"#,
        ["/validation/method": "must be holdout, kfold, time or split"]
      ),
      (#"{"validation":{}}"#, ["/validation/method": "is missing"]),
    ] as [(String, [String: String])])
  func `every error is reported with its pointer`(json: String, expected: [String: String]) throws {
    let (_, problems) = try parse(json)
    let found = Dictionary(problems.map { ($0.pointer ?? "", $0.detail) }) { first, _ in first }
    #expect(found == Dictionary(uniqueKeysWithValues: expected.map { ("/training" + $0.key, $0.value) }))
    #expect(problems.count == expected.count)
  }
}
