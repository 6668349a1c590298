"""Predefined reports: one definition of a table feeds page, print, workbook and CSV.

Definitions are data (`definitions/*.yaml`: sections, tables with their SQL over the marts, charts). `source` asks the
warehouse once for all territories, `document` cuts out one territory, `charts` draws, `page`, `pdf` and `sheets` write,
`build` does it for many in parallel. Reads as the analyst, from marts only; knows nothing of Dagster.
"""
