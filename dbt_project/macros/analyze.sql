{# Pre-hook: statistics of tables that this same build has just made. Without them a join of many is planned for one row each. #}
{% macro analyze(models) -%}
    analyze {% for model in models %}{{ ref(model) }}{{ ', ' if not loop.last }}{% endfor %}
{%- endmacro %}
