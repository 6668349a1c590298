-- One row per assessment of a live taking in charge.
select
    assessment.sender_code,
    assessment.assessment_number,
    assessment.assessed_on,
    assessment.cognitive_disorder_code,
    assessment.behavioural_disorder_code,
    assessment.delivery_id,
    assessment.record_number
from {{ ref('stg_adi1__taking_in_charge') }} as record
inner join {{ source('raw', 'adi1__assessment') }} as assessment
    on
        record.delivery_id = assessment.delivery_id
        and record.record_number = assessment.record_number
