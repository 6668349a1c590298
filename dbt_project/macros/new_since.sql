{# Rows that came after the last build, by their delivery or by the identity run that changed them. #}
{% macro in_new_deliveries(column) -%}
    {{ column }} > {{ var('from_delivery_id') }} and {{ column }} <= {{ var('to_delivery_id') }}
{%- endmacro %}

{% macro in_new_identities(column) -%}
    {{ column }} > {{ var('from_identity_seq') }} and {{ column }} <= {{ var('to_identity_seq') }}
{%- endmacro %}
