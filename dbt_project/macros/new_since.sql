{# Rows that came after the last build, by their delivery or by the identity run that changed them.

   The marks are variables of the environment, of which dbt parses only the models that read them when they change; with `--vars` it
   would parse everything at every build. Without them everything is new. #}
{% macro from_delivery_id() %}{{ env_var('IASS_FROM_DELIVERY_ID', '0') }}{% endmacro %}

{% macro to_delivery_id() %}{{ env_var('IASS_TO_DELIVERY_ID', '9223372036854775807') }}{% endmacro %}

{% macro from_identity_seq() %}{{ env_var('IASS_FROM_IDENTITY_SEQ', '0') }}{% endmacro %}

{% macro in_new_deliveries(column) -%}
    {{ column }} > {{ from_delivery_id() }} and {{ column }} <= {{ to_delivery_id() }}
{%- endmacro %}

{% macro in_new_identities(column) -%}
    {{ column }} > {{ from_identity_seq() }} and {{ column }} <= {{ env_var('IASS_TO_IDENTITY_SEQ', '9223372036854775807') }}
{%- endmacro %}
