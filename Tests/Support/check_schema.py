"""Validates each line of a file against a JSON Schema; see check-schema."""

import json
import sys

import jsonschema


def main(schema_path: str, lines_path: str) -> int:
    with open(schema_path, encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    valid = 0
    wrong = 0
    with open(lines_path, "rb") as file:
        for number, line in enumerate(file, start=1):
            errors = list(validator.iter_errors(json.loads(line)))
            if not errors:
                valid += 1
                continue
            wrong += 1
            for error in errors:
                cause = jsonschema.exceptions.best_match([error])
                print(f"line {number}: {cause.json_path}: {cause.message[:300]}")
    print(f"{valid} valid")
    return 0 if valid > 0 and wrong == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
