# poterne-edge, of which one call after another fails while it takes mail: it says 250 only to what is in the queue (or
# in quarantine) whole, lives on, and takes the next one. For t/fault/torture_*.t. What is said to it is one of
#     clear       one message in clear, by DATA
#     session     STARTTLS, then three messages: by DATA, by BDAT in chunks, and one that is held
#     submission  STARTTLS on the port for our own people, AUTH, then two messages, by BDAT and by DATA
package Poterne::Torture;

use strict;
use warnings;

use File::Temp qw(tempdir);
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(time);

use Poterne::Certificates;
use Poterne::Faults;
use Poterne::Gateway;
use Poterne::Process qw(wait_until);
use Poterne::World;

# No neighbour is waited for longer than a client would be. The limits of failed logins are the usual ones: one that
# fails since something broke is no guess.
my $settings = <<'END';
queue { free_space_min = 0 }
antivirus { timeout = 2s }
content { timeout = 2s }
resolver { time_per_message = 1s }
smtp { listen = { 127.0.0.1:25 }; tls_certificate = "FOLDER/mx.pem"; tls_key = "FOLDER/mx.key"
       scan_timeout = 4s; data_timeout = 15s; command_timeout = 15s; commit_threads = 1
       commands_limit = 1000000; messages_limit = 1000000; session_timeout = 1h }
submission { listen = { 127.0.0.1:587 }; failure_delay = 0 }
limits { freeze_hits = 0 }
limits_outside { messages_per_hour = 0; recipients_per_15min = 0; recipients_per_hour = 0 }
limits_account { messages_per_hour = 0; recipients_per_15min = 0; recipients_per_hour = 0 }
END

use constant {
    LINES        => 900,  # some 60 kB: more than a writer's buffer, less than a block of the client's
    SHORT        => 20,
    CHUNKS       => 3,
    SILENCE      => 45,   # seconds until a client that hears nothing says so: three times any time limit above
    BACK_SECONDS => 30,   # until the next message is taken: a neighbour is looked for again
};

# Why it can't be there; undef: it can.
sub missing {
    return Poterne::Faults::missing() || Poterne::Certificates::missing();
}

sub start {
    my ($class) = @_;
    my $folder = tempdir( 'poterne-torture-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
    chmod 0755, $folder;
    my $given = Poterne::Certificates->new("$folder/authority")->give( 'mx', names => ['mx.ours.example'] );
    rename $given->{certificate}, "$folder/mx.pem" or die "$!\n";
    rename $given->{key},         "$folder/mx.key" or die "$!\n";
    chmod 0644, "$folder/mx.key";
    my $self = bless { faults => Poterne::Faults->new, folder => $folder, sequence => 0, taken => {}, tries => 0, failed => 0 }, $class;
    $self->begin;
    return $self;
}

# A fresh process, on what lies in the spool.
sub begin {
    my ($self) = @_;
    $self->{world}->stop if $self->{world};
    my @how = ( folder => $self->{folder}, settings => $settings =~ s/FOLDER/$self->{folder}/gr, listeners => 2 );
    $self->{world} = $self->{faults}->loaded( sub { Poterne::World->start(@how) } );
    $self->{pid} = $self->{world}->edge_pid;
    return;
}

# --- messages ---

# One that is to be sent: to => [names at ours.example], how => data or bdat, lines, held (it is what antivirus finds),
# from. `code` is what was said to it: '' the connection ended before anything was, undef silence.
sub message {
    my ( $self, %message ) = @_;
    return { from => 'a@b.example', how => 'data', lines => LINES, %message, number => ++$self->{sequence}, code => '' };
}

sub text {
    my ($message) = @_;
    my $number = $message->{number};
    return join '', "From: $message->{from}\r\nSubject: number $number\r\nX-Sequence: <$number>\r\n", $message->{held} ? "X-Note: Test: infected\r\n" : '', "\r\n",
        ( map { sprintf "%6d a line of message %d, as long as all the others of it are\r\n", $_, $number } 1 .. $message->{lines} ),
        "end of message $number\r\n";
}

# What is said for it: [ bytes, class of the answer that lets it go on ].
sub steps {
    my ($message) = @_;
    my $text = text($message);
    my @steps = map { [ "$_\r\n", 2 ] } "MAIL FROM:<$message->{from}>", map {"RCPT TO:<$_\@ours.example>"} @{ $message->{to} };
    return ( @steps, [ "DATA\r\n", 3 ], [ "$text.\r\n", 2 ] ) if $message->{how} eq 'data';
    my $size = int( length($text) / CHUNKS ) + 1;
    for ( my $at = 0 ; $at < length $text ; $at += $size ) {
        my $chunk = substr $text, $at, $size;
        push @steps, [ 'BDAT ' . length($chunk) . ( $at + $size >= length $text ? ' LAST' : '' ) . "\r\n$chunk", 2 ];
    }
    return @steps;
}

# --- conversations ---

my %kinds = (
    clear => {
        hello    => [ [ '', 2 ], [ "EHLO client.example\r\n", 2 ] ],
        messages => sub { $_[0]->message( to => [qw(jean anne)] ) },
    },
    session => {
        tls      => 0,
        hello    => [ [ "EHLO client.example\r\n", 2 ] ],
        messages => sub {
            my ($self) = @_;
            return (
                $self->message( to => ['jean'],              lines => SHORT ),
                $self->message( to => [qw(jean anne marie)], how   => 'bdat' ),
                $self->message( to => [qw(anne jean)],       lines => SHORT, held => 1 )
            );
        },
    },
    submission => {
        tls      => 1,
        hello    => [ [ "EHLO client.example\r\n", 2 ], [ 'AUTH PLAIN ' . encode_base64( "\0jean\0secret", '' ) . "\r\n", 2 ] ],
        messages => sub {
            my ( $self, @from ) = ( @_, from => 'jean@ours.example' );
            return ( $self->message( to => [qw(anne marie)], how => 'bdat', @from ), $self->message( to => ['anne'], lines => SHORT, @from ) );
        },
    },
);

# Says them in turn: ( what was said to the last, does it go on ).
sub say_steps {
    my ( $client, @steps ) = @_;
    my $reply;
    for my $step (@steps) {
        my ( $bytes, $class ) = @$step;
        $client->bytes($bytes);    # what can't be sent is heard of
        $reply = eval { $client->hear(SILENCE) };
        return ( $reply, 0 ) if ( $reply // '' ) !~ /^$class/;
    }
    return ( $reply, 1 );
}

# Has the other side, as far as it has said, ended the session?
sub is_over {
    my ($reply) = @_;
    return ( $reply // '' ) =~ /^(?:421|\z)/;
}

sub note_reply {
    my ( $message, $reply ) = @_;
    $message->{reply} = $reply;
    $message->{code} = defined $reply ? substr $reply, 0, 3 : undef;
    ( $message->{id} ) = ( $reply // '' ) =~ /^250 2\.0\.0 Accepted as ([0-9A-Z]{26})/;
    $message->{code} = "not final: $reply" if ( $message->{code} // '' ) eq '250' && !$message->{id};
    return;
}

# One conversation over a connection of its own: its messages, with what became of each. After one that is put off the
# client says RSET, and goes on with the next.
sub send_one {
    my ( $self, $name ) = @_;
    my $kind = $kinds{ $name // 'clear' };
    my @messages = $kind->{messages}->($self);
    my $world = $self->{world};
    my $client = eval { defined $kind->{tls} ? $world->tls_client( $world->{ports}[ $kind->{tls} ] ) : $world->client( silent => 1 ) } // return \@messages;
    my ( $reply, $on ) = say_steps( $client, @{ $kind->{hello} } );
    if ( !$on ) {
        note_reply( $_, $reply ) for is_over($reply) ? $messages[0] : @messages;
    }
    for my $message ( $on ? @messages : () ) {
        ( $reply, $on ) = say_steps( $client, steps($message) );
        note_reply( $message, $reply );
        ($reply) = say_steps( $client, [ "RSET\r\n", 2 ] ) if !$on && !is_over($reply);
        last if is_over($reply);
    }
    $client->bytes("QUIT\r\n");
    $client->hang_up;
    $world->forget_words;
    return \@messages;
}

# One that nothing happens to.
sub send_well {
    my ( $self, $name ) = @_;
    my $messages = $self->send_one($name);
    my $wrong = $self->wrong($messages) || join ' ', map { $_->{reply} // 'silence' } grep { !$_->{id} } @$messages;
    die "what nothing happened to: $wrong\n" if $wrong;
    return;
}

# --- what must hold ---

sub folder_of {
    my ($message) = @_;
    return $message->{held} ? 'quarantine' : 'queue';
}

# Is it where it belongs, as it was sent? The rest of the file is looked at by delivery, in the end.
sub stored {
    my ( $self, $id, $message ) = @_;
    my $bytes = eval { $self->{world}->file( folder_of($message), $id ) } // return 0;
    my $text = text($message);
    return substr( $bytes, 64, length $text ) eq $text;
}

# Ids in queue and quarantine that are nobody's.
sub strangers {
    my ($self) = @_;
    return grep { !exists $self->{taken}{$_} } map { $self->{world}->files($_) } qw(queue quarantine);
}

# What is wrong with what was said to one message; empty: nothing.
sub wrong_answer {
    my ( $self, $message ) = @_;
    my ( $code, $id ) = @{$message}{qw(code id)};
    return 'silence' if !defined $code;
    return "said $code" if $code !~ /^(?:|250|4\d\d)$/;
    return "250 to $id, which is not there whole" if $id && !$self->stored( $id, $message );
    $self->{taken}{$id} = $message if $id;
    return '';
}

# What is wrong after a conversation; empty: nothing.
sub wrong {
    my ( $self, $messages ) = @_;
    my $pid = $self->{world}->edge_pid // 0;
    return 'the process died' if $pid != $self->{pid};
    my ($wrong) = grep { $_ } map { $self->wrong_answer($_) } @$messages;
    # a connection that ends before 250 is heard leaves it open what became of the message
    my @open = grep { defined $_->{code} && $_->{code} eq '' } @$messages;
    my @strangers = $self->strangers;
    for my $id (@strangers) {
        my ($message) = grep { $self->stored( $id, $_ ) } @open;
        $self->{taken}{$id} = $message // 0;
        @open = grep { $_ != $message } @open if $message;
        $wrong ||= "$id is there, and was said " . join ' or ', map { "'" . ( $_->{code} // 'nothing' ) . "'" } @$messages if !$message;
    }
    return $wrong // '';
}

# The next one of the same kind is taken, and nothing is left of the one before.
sub goes_on {
    my ( $self, $name ) = @_;
    my $last;
    my $taken = wait_until(
        BACK_SECONDS,
        sub {
            $last = $self->send_one($name);
            return $self->wrong($last) eq '' && !grep { !$_->{id} } @$last;
        }
    );
    return "the next was said '" . join( "', '", map { $_->{reply} // 'nothing' } @$last ) . "' to" if !$taken;
    return '' if wait_until( 20, sub { !$self->{world}->files('incoming') } );
    return 'something is left in incoming/';
}

# The nth of these calls fails once (or `burst` times), in a conversation of that `name`: what was wrong.
sub try_one {
    my ( $self, %order ) = @_;
    my $name = delete $order{name} // 'clear';
    $self->{faults}->order( %order, pid => $self->{pid} );
    my $begun = time;
    my $messages = $self->send_one($name);
    my $failed = $self->{faults}->lift;
    $self->{tries}++;
    $self->{failed}++ if $failed;
    if ($failed) {
        $self->{answers}{ defined $_->{code} ? $_->{code} || 'closed' : 'silence' }++ for @$messages;
    }
    my $wrong = $self->wrong($messages) || $self->goes_on($name);
    $self->begin if ( $self->{world}->edge_pid // 0 ) != $self->{pid};
    $self->{slowest} = time - $begun if time - $begun > ( $self->{slowest} // 0 );
    return $wrong && "$name: @{ $order{kinds} } $order{nth}" . ( $order{error} ? " $order{error}" : '' ) . ": $wrong";
}

# How many of these calls there are in one conversation.
sub calls {
    my ( $self, $name, @kinds ) = @_;
    return $self->{faults}->count( $self->{pid}, \@kinds, sub { $self->send_well($name); select undef, undef, undef, 0.3 } );
}

# What was set aside since the disk failed: not owed, and bounded.
sub aside {
    my ($self) = @_;
    return grep {/\.unsaid$/} $self->{world}->files('corrupt');
}

# No more descriptors than that are open, as soon as all sessions have ended.
sub closes_down_to {
    my ( $self, $most ) = @_;
    return wait_until( 20, sub { $self->descriptors <= $most } );
}

sub descriptors {
    my ($self) = @_;
    opendir my $folder, "/proc/$self->{pid}/fd" or return 0;
    return scalar grep { /^\d+$/ } readdir $folder;
}

# All that 250 was said to is delivered, whole, once to each recipient, or held.
sub delivered {
    my ($self) = @_;
    $self->{world}->stop;
    my %taken = map { ( $_ => $self->{taken}{$_} ) } grep { $self->{taken}{$_} } keys %{ $self->{taken} };
    my @owed = grep { !$taken{$_}{held} } keys %taken;
    my @held = grep { $taken{$_}{held} } keys %taken;
    chmod 0666, map {"$self->{folder}/state/queue/$_"} @owed;    # another user's, in the gateway
    my $gateway = Poterne::Gateway->new(
        root    => $self->{folder},
        domains => { 'ours.example' => { next_hop => Poterne::Gateway::maildir_hop( $self->{folder} ), recipients => ['@ours.example'] } }
    )->start;
    ok( $gateway->wait_for_empty_queue(120), 'all of the queue is delivered' );
    for my $to (qw(jean anne marie)) {
        my @due = map { $taken{$_}{number} } grep {
            grep { $_ eq $to } @{ $taken{$_}{to} }
        } @owed;
        next if !@due;
        my %found;
        $found{$_}++ for grep { defined } map { /^X-Sequence: <(\d+)>.*^end of message \1\r?\n\z/ms } $gateway->maildir_messages("$to\@ours.example");
        my @lost = grep { !$found{$_} } @due;
        is( "@lost", '', scalar(@due) . " messages got 250, each is delivered to $to" );
        is( join( ' ', grep { $found{$_} > 1 } keys %found ), '', '… once' );
    }
    is( scalar( () = $gateway->spooled('corrupt') ), 0, 'none was damaged' );
    my $status = $gateway->stop;
    my %there = map { $_ => 1 } $gateway->spooled('quarantine');
    my @gone = grep { !$there{$_} || !$self->stored( $_, $taken{$_} ) } @held;
    is( "@gone", '', scalar(@held) . ' were held, and still are' ) if @held;
    return $status;
}

1;
