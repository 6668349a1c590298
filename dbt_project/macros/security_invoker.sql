{# Post-hook of every view that people read: it runs with the reader's rights, so row-level policies on the tables hold. #}
{% macro security_invoker() -%}
    alter view {{ this }} set (security_invoker = true)
{%- endmacro %}
