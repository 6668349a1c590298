# The official Superset image with the PostgreSQL driver that it does not bring, and this project's dashboards.
FROM apache/superset:6.1.0

USER root
RUN uv pip install --python /app/.venv/bin/python psycopg2-binary==2.9.13
COPY bi/superset /srv/iass/bi/superset
RUN install --directory --owner superset --group superset /var/lib/superset
USER superset
ENV SUPERSET_CONFIG_PATH=/srv/iass/bi/superset/superset_config.py \
    IASS_BI_HOME=/var/lib/superset \
    IASS_BI_BUNDLE=/var/lib/iass-bi/dashboards.zip
CMD ["sh", "-c", "python /srv/iass/bi/superset/prepare.py && exec gunicorn 'superset.app:create_app()' --bind 0.0.0.0:8088 --workers 2 --worker-class gthread --threads 8 --timeout 120"]
