{# Post-hook of every model: statistics of a table that was just made, which the next models read before the server finds the time. Without
   them a join of many is planned for one row each. What an incremental build adds to a table is little, and left to the server. #}
{% macro renew_statistics() -%}
    {%- if model.config.materialized == 'table' or (model.config.materialized == 'incremental' and not is_incremental()) -%}
        analyze {{ this }}
    {%- endif -%}
{%- endmacro %}
