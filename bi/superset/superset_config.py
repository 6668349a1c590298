"""Settings of Superset for the warehouse. Read by Superset, in its own environment: nothing of the project is imported.

Belongs here: what differs from Superset's defaults, and why. Not here: dashboards (the YAML files beside this one), how
it is installed and started (`orchestration/bi`). Places and secrets come from the environment, never from this file.
"""

import os
from pathlib import Path

HOME = Path(os.environ["IASS_BI_HOME"])

# Signs sessions, and encrypts the warehouse's address in Superset's own database.
SECRET_KEY = os.environ["IASS_BI_SECRET_KEY"]
SQLALCHEMY_DATABASE_URI = os.environ.get("IASS_BI_METADATA_URL") or f"sqlite:///{HOME / 'superset.db'}?timeout=30"
DATA_DIR = str(HOME)
# One process group on one machine: files serve as cache, and nothing else has to run.
CACHE_CONFIG = {"CACHE_TYPE": "FileSystemCache", "CACHE_DIR": str(HOME / "cache"), "CACHE_DEFAULT_TIMEOUT": 600}
DATA_CACHE_CONFIG = FILTER_STATE_CACHE_CONFIG = EXPLORE_FORM_DATA_CACHE_CONFIG = CACHE_CONFIG
RATELIMIT_STORAGE_URI = "memory://"

APP_NAME = "IASS"
BABEL_DEFAULT_LOCALE = "it"
LANGUAGES = {"it": {"flag": "it", "name": "Italiano"}, "en": {"flag": "us", "name": "English"}}
# Superset's Italian takes some words for others ("No data" is "Metadati JSON") and lacks many: those that readers meet.
_ITALIAN = {
    "No data": ["Nessun dato"],
    "No Data": ["Nessun dato"],
    "No results": ["Nessun risultato"],
    "No results were returned for this query": ["Nessun risultato"],
    "There is currently no information to display.": ["Nessun dato da mostrare"],
    "Filters and controls": ["Filtri"],
    "%s option": ["Valori: %s", "Valori: %s"],
    "Apply filters": ["Applica"],
    "Clear all": ["Azzera"],
    "No filters": ["Nessun filtro"],
    "No available filters.": ["Nessun filtro"],
    "Applied filters (%d)": ["Filtri applicati (%d)"],
    "All": ["Tutti"],
    "Force refresh": ["Aggiorna"],
    "Enter fullscreen": ["A tutto schermo"],
    "Download": ["Scarica"],
    "View as table": ["Mostra come tabella"],
}


def FLASK_APP_MUTATOR(app):
    from flask import jsonify, request
    from superset.translations.utils import get_language_pack

    def italian():
        if not request.path.endswith("/language_pack/it/"):
            return None
        pack = get_language_pack("it")
        words = pack["locale_data"]["superset"] | _ITALIAN
        return jsonify(pack | {"locale_data": {"superset": words}})

    app.before_request(italian)


D3_FORMAT = {"decimal": ",", "thousands": ".", "grouping": [3], "currency": ["", " €"]}
_MONTHS = [
    "gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno",
    "luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre",
]  # fmt: skip
_DAYS = ["domenica", "lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato"]
D3_TIME_FORMAT = {
    "dateTime": "%d/%m/%Y %H:%M",
    "date": "%d/%m/%Y",
    "time": "%H:%M",
    "periods": ["AM", "PM"],
    "days": _DAYS,
    "shortDays": [day[:3] for day in _DAYS],
    "months": _MONTHS,
    "shortMonths": [month[:3] for month in _MONTHS],
}
# The palette of the reports: told apart by colour-blind readers.
EXTRA_CATEGORICAL_COLOR_SCHEMES = [
    {
        "id": "iass",
        "description": "",
        "label": "IASS",
        "isDefault": True,
        "colors": ["#17324d", "#0066cc", "#d1651f", "#3f8f83", "#a86fa0", "#8a8f98", "#e0b13f", "#6fa8dc"],
    }
]
EXTRA_SEQUENTIAL_COLOR_SCHEMES = [
    {
        "id": "iass_missing",
        "description": "",
        "label": "IASS: missing to there",
        "isDiverging": False,
        "colors": ["#d1651f", "#dfe9f3"],
    },
]
THEME_DARK = None
ENABLE_UI_THEME_ADMINISTRATION = False
_FONTS = "'Titillium Web', 'Segoe UI', Arial, sans-serif"
_TOKENS = {"colorPrimary": "#0066cc", "colorLink": "#0066cc", "fontFamily": _FONTS}
THEME_DEFAULT = {"token": {"brandAppName": APP_NAME, "brandLogoAlt": "IASS", **_TOKENS}, "algorithm": "default"}

# Nothing is asked of, or told to, anybody outside: no pixels, no map tiles, no slack avatars.
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'", "data:"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}
TALISMAN_DEV_CONFIG = TALISMAN_CONFIG
CONTENT_SECURITY_POLICY_WARNING = False
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True
WTF_CSRF_ENABLED = True
AUTH_RATE_LIMITED = True
# Files that people upload into a warehouse are deliveries, and deliveries go through the gate.
ALLOWED_EXTENSIONS: set[str] = set()
FEATURE_FLAGS = {"DASHBOARD_NATIVE_FILTERS": True, "DRILL_TO_DETAIL": False, "DRILL_BY": True, "ALERT_REPORTS": False}
ROW_LIMIT = 10_000
SQLLAB_TIMEOUT = SUPERSET_WEBSERVER_TIMEOUT = 120
LOG_LEVEL = "WARNING"
