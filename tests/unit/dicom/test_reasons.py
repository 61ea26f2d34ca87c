from radnet_spark.dicom.reasons import describe


def test_describe_keeps_the_kind_and_loses_the_values():
    error = ValueError("invalid literal for int() with base 10: 'Horvat^Ivan' in /data/horvat/1.dcm of 12345678")
    text = describe(error)
    assert text.startswith("ValueError: invalid literal")
    assert not any(value in text for value in ("Horvat", "horvat", "12345678"))
    assert len(describe(ValueError("x" * 999))) == 200


def test_describe_loses_values_that_hold_quotes_themselves():
    assert describe(ValueError("bad value 'O\\'Neill \"Bob\"' found")) == "ValueError: bad value … found"
