"""Summarises temperature readings: one line of the report for each place."""
import csv
import statistics
import sys


def read(lines):
    """Place to its readings in degrees Celsius; a line that is no reading is an error that names it."""
    places = {}
    for number, row in enumerate(csv.reader(lines), start=1):
        if len(row) != 2:
            raise ValueError(f"line {number}: expected PLACE,DEGREES, found {row}")
        try:
            degrees = float(row[1])
        except ValueError as error:
            raise ValueError(f"line {number}: {row[1]!r} is no number") from error
        places.setdefault(row[0], []).append(degrees)
    return places


def report(places):
    """The summary as Markdown."""
    lines = ["| place | readings | mean | highest |", "|---|---|---|---|"]
    for place in sorted(places):
        values = places[place]
        lines.append(f"| {place} | {len(values)} | {statistics.mean(values):.1f} | {max(values):.1f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        sys.stdout.write(report(read(file)))
