{# Whether a row of a dated list is in force on a day; without a bound it always was, or still is. #}
{% macro is_valid_on(listed, day) -%}
    {{ day }} between coalesce({{ listed }}.valid_from, date '0001-01-01') and coalesce({{ listed }}.valid_to, date '9999-12-31')
{%- endmacro %}
